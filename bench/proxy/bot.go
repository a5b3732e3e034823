package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// intents are GUILDS, GUILD_MESSAGES and MESSAGE_CONTENT.
const intents = 1<<0 | 1<<9 | 1<<15

// Bot is a client that answers pings and does as little as possible besides. Its methods
// must not be called at the same time. End it with Kill.
type Bot struct {
	conn   net.Conn
	in     *bufio.Reader
	buffer []byte

	// Session and Seq are what a RESUME names, of a bot without compression.
	Session string
	Seq     int64
}

// Dial connects a bot. Compression is zlib-stream, zstd-stream or "".
func Dial(gateway, compression string) (*Bot, error) {
	host := strings.TrimPrefix(gateway, "ws://")
	conn, err := net.DialTimeout("tcp", host, 5*time.Second)
	if err != nil {
		return nil, err
	}
	b := &Bot{conn: conn, in: bufio.NewReaderSize(conn, 256<<10)}
	path := "/?v=10&encoding=json"
	if compression != "" {
		path += "&compress=" + compression
	}
	if err := b.upgrade(path, host); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return b, nil
}

// upgrade asks for a WebSocket and reads HELLO.
func (b *Bot) upgrade(path, host string) error {
	_ = b.conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err := fmt.Fprintf(b.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bWVhc3VyZWQgbWVhc3VyZQ==\r\n\r\n", path, host)
	if err != nil {
		return err
	}
	response, err := http.ReadResponse(b.in, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return errors.New("the gateway answers " + response.Status)
	}
	_, err = b.read() // HELLO
	_ = b.conn.SetDeadline(time.Time{})
	return err
}

// Identify begins a session.
func (b *Bot) Identify(shard, shards int) error {
	return b.send(fmt.Appendf(nil, `{"op":2,"d":{"token":%q,"intents":%d,"shard":[%d,%d],"properties":{"os":"linux","browser":"measured","device":""}}}`, token, intents, shard, shards))
}

// Resume goes on with the session of another bot.
func (b *Bot) Resume(before *Bot) error {
	b.Session, b.Seq = before.Session, before.Seq
	return b.send(fmt.Appendf(nil, `{"op":6,"d":{"token":%q,"session_id":%q,"seq":%d}}`, token, b.Session, b.Seq))
}

func (b *Bot) send(payload []byte) error {
	_, err := b.conn.Write(appendFrame(nil, opcodeText, true, payload))
	return err
}

// read returns the next message, as it came. It is valid until the next call.
func (b *Bot) read() ([]byte, error) {
	for {
		opcode, payload, err := readFrame(b.in, b.buffer)
		if err != nil {
			return nil, err
		}
		b.buffer = payload[:0:cap(payload)]
		switch opcode {
		case opcodeText, opcodeBinary:
			return payload, nil
		case opcodePing:
			if _, err := b.conn.Write(appendFrame(nil, opcodePong, true, payload)); err != nil {
				return nil, err
			}
		case opcodeClose:
			return nil, fmt.Errorf("the gateway has closed the connection: %q", payload)
		}
	}
}

// Next returns the next event of a bot without compression, and follows its session.
func (b *Bot) Next() (event string, payload []byte, err error) {
	for {
		if payload, err = b.read(); err != nil {
			return "", nil, err
		}
		head, _, _ := bytes.Cut(payload, []byte(`"d":`))
		var p struct {
			T string `json:"t"`
			S int64  `json:"s"`
		}
		head = append(bytes.Clone(bytes.TrimRight(head, ",")), '}')
		if json.Unmarshal(head, &p) != nil || p.T == "" {
			continue
		}
		b.Seq = p.S
		if p.T == "READY" {
			var ready struct {
				D struct {
					Session string `json:"session_id"`
				} `json:"d"`
			}
			if err := json.Unmarshal(payload, &ready); err != nil {
				return "", nil, err
			}
			b.Session = ready.D.Session
		}
		return p.T, payload, nil
	}
}

// Await reads until an event of a type.
func (b *Bot) Await(event string, within time.Duration) error {
	_ = b.conn.SetReadDeadline(time.Now().Add(within))
	defer func() { _ = b.conn.SetReadDeadline(time.Time{}) }()
	for {
		got, _, err := b.Next()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", event, err)
		}
		if got == event {
			return nil
		}
	}
}

// Kill ends the bot as kill -9 does.
func (b *Bot) Kill() {
	if tcp, ok := b.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = b.conn.Close()
}
