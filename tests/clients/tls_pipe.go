// A client of tls_interop_test.py with Go's crypto/tls: standard input goes to the server, what it
// answers to standard output, until it says that it ends. Arguments: host, port, certificate.
package main

import (
    "crypto/tls"
    "crypto/x509"
    "fmt"
    "io"
    "os"
)

func check(err error) {
    if err != nil {
        fmt.Fprintln(os.Stderr, err)
        os.Exit(1)
    }
}

func main() {
    certificate, err := os.ReadFile(os.Args[3])
    check(err)
    roots := x509.NewCertPool()
    roots.AppendCertsFromPEM(certificate)
    socket, err := tls.Dial("tcp", os.Args[1]+":"+os.Args[2],
        &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13})
    check(err)
    go func() {
        _, err := io.Copy(socket, os.Stdin)
        check(err)
    }()
    _, err = io.Copy(os.Stdout, socket)
    check(err) // An end without close_notify is one.
}
