// The client of real_clients_test.py with Go's gorilla/websocket. Arguments: URL, topic.
package main

import (
    "encoding/json"
    "fmt"
    "os"
    "time"

    "github.com/gorilla/websocket"
)

type object map[string]interface{}

func say(event object) {
    line, _ := json.Marshal(event)
    fmt.Println(string(line))
}

func fail(err error) {
    say(object{"event": "error", "message": err.Error()})
    os.Exit(1)
}

func main() {
    url, topic := os.Args[1], os.Args[2]
    dialer := websocket.Dialer{Subprotocols: []string{"wspush.v1"}, EnableCompression: true}
    socket, answer, err := dialer.Dial(url, nil)
    if err != nil {
        fail(err)
    }
    defer socket.Close()
    say(object{"event": "open", "subprotocol": socket.Subprotocol(),
        "extensions": answer.Header.Get("Sec-WebSocket-Extensions")})
    send := func(command object) {
        if err := socket.WriteJSON(command); err != nil {
            fail(err)
        }
    }
    for {
        var said object
        err := socket.ReadJSON(&said)
        if closed, ok := err.(*websocket.CloseError); ok {
            say(object{"event": "closed", "code": closed.Code})
            return
        } else if err != nil {
            fail(err)
        }
        switch said["op"] {
        case "welcome":
            send(object{"op": "subscribe", "id": 1, "topic": topic})
        case "subscribed":
            say(object{"event": "subscribed"})
        case "message":
            data := said["data"].(map[string]interface{})
            say(object{"event": "message", "data": data})
            if data["from"] == "client" {
                socket.WriteControl(websocket.CloseMessage,
                    websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""),
                    time.Now().Add(5*time.Second))
            } else {
                send(object{"op": "publish", "id": 2, "topic": topic,
                    "data": object{"from": "client", "echo": data["text"]}})
            }
        }
    }
}
