package proxy

import (
	"bufio"
	"bytes"
	"testing"
)

// A frame is read as it was written, by either side, in each of the three lengths there are.
func TestFramesAreReadAsWritten(t *testing.T) {
	for _, size := range []int{0, 125, 126, 1<<16 - 1, 1 << 16} {
		for _, masked := range []bool{false, true} {
			payload := bytes.Repeat([]byte{'a'}, size)
			frame := appendFrame(nil, opcodeText, masked, payload)
			opcode, got, err := readFrame(bufio.NewReader(bytes.NewReader(frame)), nil)
			if err != nil || opcode != opcodeText || !bytes.Equal(got, payload) {
				t.Errorf("%d bytes, masked %t: opcode %d, %d bytes, %v", size, masked, opcode, len(got), err)
			}
		}
	}
}

// A bot finds the number and the time in an event.
func TestEventsAreNumbered(t *testing.T) {
	e := NewEvent(guildID(0), 4711)
	number, at, ok := readStamp(e.Data)
	if !ok || number != 4711 || at.IsZero() {
		t.Errorf("the event is %d of %v, %t", number, at, ok)
	}
	if _, _, ok := readStamp([]byte(`{"id":"1"}`)); ok {
		t.Error("an event without a number has one")
	}
	if size := len(e.Data); size < 500 || size > 700 {
		t.Errorf("it has %d bytes", size)
	}
}
