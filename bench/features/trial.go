package features

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"evergreen/discordsim"
)

// trial is one feature that one program tries.
type trial struct {
	*world
	ctx  context.Context
	args map[string]any // what the program is told
	said map[string]any // what the program has said last
}

// id returns an id of the args or of what the program has said.
func (t *trial) id(name string) discordsim.ID {
	value, ok := t.said[name]
	if !ok {
		value = t.args[name]
	}
	var id discordsim.ID
	if text, ok := value.(string); ok {
		_ = id.UnmarshalJSON([]byte(`"` + text + `"`))
	}
	return id
}

// text returns what the program has said under a name.
func (t *trial) text(name string) string { return fmt.Sprint(t.said[name]) }

// want compares what the program has said under a name.
func (t *trial) want(name string, value any) error {
	return equal("the program's "+name, t.said[name], value)
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
func all(steps ...func(*trial) error) func(*trial) error {
	return func(t *trial) error {
		for _, step := range steps {
			if err := step(t); err != nil {
				return err
			}
		}
		return nil
	}
}

// said makes a check of what the program has said: names and values in turn. A value that
// begins with "$" is the arg of that name.
func said(pairs ...any) func(*trial) error {
	return func(t *trial) error {
		var errs []error
		for i := 0; i+1 < len(pairs); i += 2 {
			value := pairs[i+1]
			if text, ok := value.(string); ok && len(text) > 1 && text[0] == '$' {
				value = t.args[text[1:]]
			}
			errs = append(errs, t.want(pairs[i].(string), value))
		}
		return errors.Join(errs...)
	}
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
