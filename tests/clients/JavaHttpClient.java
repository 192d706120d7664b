import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The client of real_clients_test.py with java.net.http.WebSocket, which offers no compression. There is
 * no JSON in the JDK: what the server says has a known order, so patterns will do. Arguments: URL, topic.
 */
class JavaHttpClient implements WebSocket.Listener {
  private static final Pattern MESSAGE = Pattern.compile("\"op\":\"message\".*\"data\":(\\{.*?\\})");
  private static final Pattern FROM_CLIENT = Pattern.compile("\"from\":\\s*\"client\"");
  private static final Pattern TEXT = Pattern.compile("\"text\":\\s*\"([^\"]*)\"");

  private final String topic;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final StringBuilder whole = new StringBuilder();

  JavaHttpClient(String topic) {
    this.topic = topic;
  }

  private static void say(String event) {
    System.out.println("{\"event\":" + event + "}");
  }

  @Override
  public void onOpen(WebSocket socket) {
    say("\"open\",\"extensions\":\"\",\"subprotocol\":\"" + socket.getSubprotocol() + "\"");
    socket.request(1);
  }

  @Override
  public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLast) {
    whole.append(part);
    if (isLast) {
      onMessage(socket, whole.toString());
      whole.setLength(0);
    }
    socket.request(1);
    return null;
  }

  private void onMessage(WebSocket socket, String said) {
    if (said.contains("\"op\":\"welcome\"")) {
      socket.sendText("{\"op\":\"subscribe\",\"id\":1,\"topic\":\"" + topic + "\"}", true);
    } else if (said.contains("\"op\":\"subscribed\"")) {
      say("\"subscribed\"");
    }
    Matcher message = MESSAGE.matcher(said);
    if (!message.find()) {
      return;
    }
    String data = message.group(1);
    say("\"message\",\"data\":" + data);
    Matcher text = TEXT.matcher(data);
    if (FROM_CLIENT.matcher(data).find()) {
      socket.sendClose(WebSocket.NORMAL_CLOSURE, "");
    } else if (text.find()) {
      socket.sendText("{\"op\":\"publish\",\"id\":2,\"topic\":\"" + topic
          + "\",\"data\":{\"from\":\"client\",\"echo\":\"" + text.group(1) + "\"}}", true);
    }
  }

  @Override
  public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
    say("\"closed\",\"code\":" + code);
    closed.countDown();
    return null;
  }

  @Override
  public void onError(WebSocket socket, Throwable error) {
    say("\"error\",\"message\":\"" + error.getClass().getName() + "\"");
    closed.countDown();
  }

  public static void main(String[] arguments) throws Exception {
    JavaHttpClient client = new JavaHttpClient(arguments[1]);
    HttpClient.newHttpClient().newWebSocketBuilder().subprotocols("wspush.v1")
        .buildAsync(URI.create(arguments[0]), client).join();
    client.closed.await();
  }
}
