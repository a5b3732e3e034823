package gateway_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"evergreen/gateway"
)

// Whatever a close frame carries, the socket tells it as a close frame or as the
// end of the connection, at once, and a policy can be found for it.
// Statements: G-060, G-061.
func FuzzCloseFrame(f *testing.F) {
	for _, code := range []uint16{1000, 1001, 1005, 1006, 1015, 4000, 4004, 4014, 4900, 0, 999, 5000, 65535} {
		f.Add(binary.BigEndian.AppendUint16(nil, code))
	}
	f.Add([]byte{})
	f.Add([]byte{15})
	f.Add(append([]byte{0x0f, 0xa4}, "Authentication failed.\xff\x00"...))
	f.Add(make([]byte, 125))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) > 125 {
			return // not even a frame
		}
		near, far := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			closes(far, payload)
		}()
		defer func() { <-served }()
		defer near.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		dialer := gateway.WebSocketDialer{DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
		socket, err := dialer.Dial(ctx, "ws://gateway.test/")
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Drop()
		_, _, _, err = socket.Read(nil, 1<<20, func(int) {})
		frame, closed := errors.AsType[*gateway.CloseError](err)
		switch {
		case err == nil:
			t.Fatal("a close frame was read as a message")
		case closed:
			if frame.Code.Meaning() == "" || frame.Error() == "" {
				t.Fatalf("code %d has no meaning", frame.Code)
			}
		}
	})
}

// closes takes one upgrade, sends a close frame, and reads what comes back.
func closes(c net.Conn, payload []byte) {
	defer c.Close()
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(key[:]) + "\r\n\r\n"
	frame := append([]byte{0x88, byte(len(payload))}, payload...)
	if _, err := c.Write(append([]byte(answer), frame...)); err == nil {
		_, _ = io.Copy(io.Discard, in)
	}
}
