package discordsim

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/coder/websocket"
	"github.com/klauspost/compress/zstd"
)

// unpackers undo what a connection was asked to do to its messages.
var unpackers = map[string]func() func(websocket.MessageType, []byte) ([]byte, error){
	"": func() func(websocket.MessageType, []byte) ([]byte, error) {
		return func(kind websocket.MessageType, raw []byte) ([]byte, error) {
			if kind == websocket.MessageText {
				return raw, nil
			}
			return inflateAlone(raw)
		}
	},
	"zlib-stream": zlibStream,
	"zstd-stream": zstdStream,
}

// inflateAlone unpacks a message that was compressed by itself.
func inflateAlone(raw []byte) ([]byte, error) {
	if len(raw) < 2 || raw[0] != 0x78 {
		return nil, errors.New("no zlib header")
	}
	return io.ReadAll(flate.NewReader(bytes.NewReader(raw[2:])))
}

// zlibStream keeps one context for a connection: the last 32 KiB. As in Discord's own
// example a message ends with a WebSocket message that ends with the marker.
func zlibStream() func(websocket.MessageType, []byte) ([]byte, error) {
	var window, waiting []byte
	begun := false
	return func(kind websocket.MessageType, raw []byte) ([]byte, error) {
		if waiting = append(waiting, raw...); !bytes.HasSuffix(raw, []byte{0, 0, 0xff, 0xff}) {
			return nil, nil
		}
		if kind != websocket.MessageBinary {
			return nil, errors.New("a text message in a compressed stream")
		}
		in := waiting
		if !begun {
			if in[0] != 0x78 {
				return nil, errors.New("the stream has no zlib header")
			}
			begun, in = true, in[2:]
		}
		out, err := io.ReadAll(flate.NewReaderDict(bytes.NewReader(in), window))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("a message that ends its stream: %w", err)
		}
		window = append(window, out...)
		window = slices.Clone(window[max(0, len(window)-32<<10):])
		waiting = nil
		return out, nil
	}
}

// zstdStream decodes the whole stream anew with each message: it is one frame
// that never ends.
func zstdStream() func(websocket.MessageType, []byte) ([]byte, error) {
	var stream []byte
	known := 0
	return func(kind websocket.MessageType, raw []byte) ([]byte, error) {
		if kind != websocket.MessageBinary {
			return nil, errors.New("a text message in a compressed stream")
		}
		stream = append(stream, raw...)
		r, err := zstd.NewReader(bytes.NewReader(stream), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		out, err := io.ReadAll(r)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("a message that ends its stream: %w", err)
		}
		message := out[known:]
		known = len(out)
		return message, nil
	}
}
