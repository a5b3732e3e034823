package features

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"evergreen/discordsim"
)

// personSays makes a step in which person says something in channel; message is the id of the
// last message.
func personSays(texts ...string) func(*trial) error {
	return func(t *trial) error {
		for _, text := range texts {
			t.args["message"] = t.sim.Say(t.id("channel"), t.id("person"), text).ID.String()
		}
		return nil
	}
}

// holds makes a check of the message in channel that has the id that the program has said:
// paths and values in turn. A path is names and indices with dots between. A value that
// begins with "$" is the arg of that name.
func holds(pairs ...any) func(*trial) error {
	return func(t *trial) error {
		m, err := t.message(t.id("channel"), t.id("id"))
		if err != nil {
			return err
		}
		return t.compare("the message", m, pairs)
	}
}

// compare compares parts of an object: paths and values in turn.
func (t *trial) compare(what string, o any, pairs []any) error {
	var errs []error
	for i := 0; i+1 < len(pairs); i += 2 {
		value := pairs[i+1]
		if text, ok := value.(string); ok && len(text) > 1 && text[0] == '$' {
			value = t.args[text[1:]]
		}
		path := pairs[i].(string)
		errs = append(errs, equal(what+"'s "+path, at(o, path), value))
	}
	return errors.Join(errs...)
}

// at follows a path into what JSON holds; nil where it leads nowhere.
func at(value any, path string) any {
	for _, name := range strings.Split(path, ".") {
		switch v := value.(type) {
		case object:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// gone checks that the message with the id that the program has said is no more.
func gone(t *trial) error { return t.noMessage(t.id("channel"), t.id("id")) }

// noMessage checks that there is no such message.
func (t *trial) noMessage(channel, id discordsim.ID) error {
	_, err := t.message(channel, id)
	return refusedWith(err, 10008, fmt.Sprintf("the message %v", id))
}

// refusedWith checks that Discord knows nothing of something, by the code of its error.
func refusedWith(err error, code int, what string) error {
	if err == nil {
		return errors.New(what + " is still there")
	}
	if !strings.Contains(err.Error(), `"code":`+strconv.Itoa(code)) {
		return err
	}
	return nil
}
