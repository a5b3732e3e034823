package features

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// personSays makes a step in which person says something in channel; message is the id of the
// last message.
func personSays(texts ...string) step {
	return func(t *trial) error {
		for _, text := range texts {
			t.args["message"] = t.sim.Say(t.id("channel"), t.id("person"), t.expand(text)).ID.String()
		}
		return nil
	}
}

// moderator makes a step in which the inspector sends a request. The path and the body, which
// is JSON, are expanded. The args keep the id of what came back under the name, and its code
// and token where it has them.
func moderator(keep, method, path, body string) step {
	return as(func(t *trial) *inspector { return t.inspector }, keep, method, path, body)
}

// itself is moderator with the bot's own token.
func itself(keep, method, path, body string) step {
	return as(func(t *trial) *inspector { return t.own }, keep, method, path, body)
}

func as(who func(*trial) *inspector, keep, method, path, body string) step {
	return func(t *trial) error {
		var content any
		if body != "" {
			content = json.RawMessage(t.expand(body))
		}
		answer, err := who(t).request(t.ctx, method, t.expand(path), content)
		if err != nil {
			return err
		}
		if o, ok := answer.(object); ok {
			if keep != "" {
				t.args[keep] = o["id"]
			}
			for _, name := range []string{"code", "token"} {
				if value, ok := o[name]; ok {
					t.args[name] = value
				}
			}
		}
		return nil
	}
}

// said makes a check of what the program has said: paths and values in turn. A path is names
// and indices with dots between; texts are expanded.
func said(pairs ...any) step {
	return func(t *trial) error { return t.compare("what the program said", t.said, pairs) }
}

// shows makes a check of what a GET returns: paths and values in turn.
func shows(path string, pairs ...any) step {
	return func(t *trial) error {
		o, err := t.inspector.request(t.ctx, http.MethodGet, t.expand(path), nil)
		if err != nil {
			return err
		}
		return t.compare(path, o, pairs)
	}
}

// holds is shows for the message in channel that has the id that the program has said.
func holds(pairs ...any) step { return shows("/channels/$channel/messages/$id", pairs...) }

// has makes a check that the list that a GET returns has an object whose part at a path is a
// value; lacks that it has none. A list within an object is found by its name after a space.
func has(list, path, value string) step   { return listed(list, path, value, true) }
func lacks(list, path, value string) step { return listed(list, path, value, false) }

func listed(list, path, value string, there bool) step {
	return func(t *trial) error {
		from, name, _ := strings.Cut(list, " ")
		answer, err := t.inspector.request(t.ctx, http.MethodGet, t.expand(from), nil)
		if err != nil {
			return err
		}
		if name != "" {
			answer = at(answer, name)
		}
		items, _ := answer.([]any)
		found := false
		for _, item := range items {
			found = found || fmt.Sprint(at(item, path)) == t.expand(value)
		}
		if found != there {
			return fmt.Errorf("%s: one whose %s is %s: got %t, want %t, in %s", list, path, t.expand(value), found, there, short(answer))
		}
		return nil
	}
}

// unknown makes a check that a GET is refused with one of Discord's codes.
func unknown(path string, code int) step {
	return func(t *trial) error {
		_, err := t.inspector.request(t.ctx, http.MethodGet, t.expand(path), nil)
		switch {
		case err == nil:
			return errors.New(t.expand(path) + " is still there")
		case !strings.Contains(err.Error(), `"code":`+strconv.Itoa(code)):
			return err
		}
		return nil
	}
}

// includes makes a check that a list that the program has said has a value.
func includes(name, value string) step {
	return func(t *trial) error {
		items, _ := at(t.said, name).([]any)
		for _, item := range items {
			if fmt.Sprint(item) == t.expand(value) {
				return nil
			}
		}
		return fmt.Errorf("what the program said: %s: want %s in %s", name, t.expand(value), short(items))
	}
}

// gone checks that the message with the id that the program has said is no more.
var gone = unknown("/channels/$channel/messages/$id", 10008)

// eventually repeats a check until it holds: for what follows the program's answer.
func eventually(check step) step {
	return func(t *trial) (err error) {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			if err = check(t); err == nil {
				return nil
			}
			select {
			case <-ticker.C:
			case <-t.ctx.Done():
				return err
			}
		}
	}
}

// compare compares parts of a value: paths and values in turn. A path that ends in "#" is the
// length of a list.
func (t *trial) compare(what string, o any, pairs []any) error {
	var errs []error
	for i := 0; i+1 < len(pairs); i += 2 {
		path := pairs[i].(string)
		errs = append(errs, equal(what+": "+path, at(o, path), t.wanted(pairs[i+1])))
	}
	return errors.Join(errs...)
}

// at follows a path into what JSON holds; nil where it leads nowhere.
func at(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case object:
			value = v[name]
		case []any:
			if name == "#" {
				return len(v)
			}
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
