// A client of tls_interop_test.py with Node's TLS: standard input goes to the server, what it
// answers to standard output, until it says that it ends. Arguments: host, port, certificate.
import fs from "node:fs";
import tls from "node:tls";

const [host, port, certificate] = process.argv.slice(2);
const socket = tls.connect({host, port, ca: fs.readFileSync(certificate), servername: "localhost",
                            minVersion: "TLSv1.3"});
socket.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
process.stdin.pipe(socket, {end: false});
socket.pipe(process.stdout);
