package features

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"evergreen/discordsim"
)

// trial is one feature that one program tries.
type trial struct {
	*world
	ctx  context.Context
	home *discordsim.Guild
	args map[string]any // what the program is told
	said map[string]any // what the program has said last
}

// id returns an id of the args, or else of what the program has said.
func (t *trial) id(name string) discordsim.ID {
	value, ok := t.args[name]
	if !ok {
		value = t.said[name]
	}
	var id discordsim.ID
	if text, ok := value.(string); ok {
		_ = id.UnmarshalJSON([]byte(`"` + text + `"`))
	}
	return id
}

// equal compares two values as JSON has them.
func equal(what string, got, want any) error {
	if got, want = plain(got), plain(want); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %v, want %v", what, short(got), short(want))
	}
	return nil
}

// plain is a value as JSON has it.
func plain(value any) (out any) {
	raw, err := json.Marshal(value)
	if err != nil || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// short is a value as JSON, not too long for a line.
func short(value any) string {
	raw, _ := json.Marshal(value)
	if len(raw) > 200 {
		raw = append(raw[:200], "..."...)
	}
	return string(raw)
}

// all runs steps until one fails.
func all(steps ...step) step {
	return func(t *trial) error {
		for _, s := range steps {
			if err := s(t); err != nil {
				return err
			}
		}
		return nil
	}
}

// expand replaces $name by what the program is told, or else has said, under that name.
func (t *trial) expand(text string) string {
	return os.Expand(text, func(name string) string {
		if value, ok := t.args[name]; ok {
			return fmt.Sprint(value)
		}
		return fmt.Sprint(t.said[name])
	})
}

// wanted is a value that is compared: a text is expanded.
func (t *trial) wanted(value any) any {
	if text, ok := value.(string); ok {
		return t.expand(text)
	}
	return value
}

// until waits until something holds.
func (t *trial) until(what string, holds func() bool) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-t.ctx.Done():
			return errors.New("waited in vain until " + what)
		}
	}
	return nil
}

// wrote makes a check that the bot has sent a text into the direct message channel that the
// program has said.
func wrote(text string) step {
	return func(t *trial) error {
		var channel discordsim.ID
		if err := channel.UnmarshalJSON([]byte(fmt.Sprintf("%q", t.said["channel"]))); err != nil {
			return fmt.Errorf("the program's channel: %w", err)
		}
		for _, m := range t.sim.Messages(channel) {
			if m.ID == t.id("id") {
				return equal("the direct message", m.Content, text)
			}
		}
		return errors.New("the direct message is not there")
	}
}

// reply lets person reply to the message that the program has sent.
func (t *trial) reply(text string) error {
	m := t.sim.Say(t.id("channel"), t.id("person"), text, discordsim.ReplyingTo(t.id("id"), true))
	return equal("whether a reply was sent", m.ID != 0, true)
}
