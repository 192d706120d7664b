// A client of tls_interop_test.py with Java's own TLS: standard input goes to the server, what it
// answers to standard output, until it says that it ends. Arguments: host, port, certificate.
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class TlsPipe {
    public static void main(String[] arguments) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (FileInputStream file = new FileInputStream(arguments[2])) {
            trusted.setCertificateEntry("server",
                CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory managers =
            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(
                 arguments[0], Integer.parseInt(arguments[1]))) {
            socket.setEnabledProtocols(new String[] {"TLSv1.3"});
            socket.startHandshake();
            Thread writer = new Thread(() -> {
                try {
                    System.in.transferTo(socket.getOutputStream());
                } catch (Exception error) {
                    System.err.println(error);
                }
            });
            writer.setDaemon(true);
            writer.start();
            socket.getInputStream().transferTo(System.out);
            System.out.flush();
        }
    }
}
