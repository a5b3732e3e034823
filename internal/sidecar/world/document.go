package world

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// document is a GUILD_CREATE while patches are applied to it. A list is split when the first
// patch for it comes.
type document struct {
	fields object
	lists  [listEnd]*elements
}

// elements are the objects of one list. One that cannot be split, because a field stands in it
// twice, stays as it is until another takes its place.
type elements struct {
	raw [][]byte // nil: removed
	at  map[uint64]int
}

// fold applies patches to a GUILD_CREATE and returns the new one.
func fold(guild, patches []byte) ([]byte, error) {
	if len(patches) == 0 {
		return guild, nil
	}
	fields, err := splitObject(guild)
	if err != nil {
		return nil, err
	}
	doc := document{fields: fields}
	for len(patches) > 0 {
		p, rest, err := cutPatch(patches)
		if err == nil {
			err = doc.apply(p)
		}
		if err != nil {
			return nil, err
		}
		patches = rest
	}
	return doc.bytes(), nil
}

func (doc *document) apply(p patch) error {
	switch p.op {
	case opFields:
		return doc.setFields(p.raw)
	case opCount:
		doc.addToCount(int64(p.id))
		return nil
	}
	all, err := doc.open(p.list)
	if err != nil {
		return err
	}
	switch p.op {
	case opPut:
		return all.put(p)
	case opMerge:
		changes, err := splitObject(p.raw)
		if err != nil {
			return err
		}
		all.change(p.id, func(o object) object { return o.merge(changes) })
	case opUnset:
		all.change(p.id, func(o object) object { return o.without(string(p.raw)) })
	case opDelete:
		all.remove(p.id)
	case opDeleteIn:
		all.removeIn(lists[p.list].channel, p.id)
	case opUnrole:
		all.removeRole(lists[p.list].roles, p.id)
	}
	return nil
}

// setFields sets top-level fields. A list that was split is split anew when it is next
// needed.
func (doc *document) setFields(raw []byte) error {
	changes, err := splitObject(raw)
	if err != nil {
		return err
	}
	for _, f := range changes {
		doc.lists[listNamed(f.name)] = nil
	}
	doc.fields = doc.fields.merge(changes)
	return nil
}

// addToCount changes member_count, if there is one.
func (doc *document) addToCount(n int64) {
	count, err := strconv.ParseInt(string(doc.fields.get("member_count")), 10, 64)
	if err == nil {
		doc.fields.set("member_count", strconv.AppendInt(nil, max(0, count+n), 10))
	}
}

// open splits a list. One that is missing or null is empty. Of two objects with one id the
// second one counts, as in the cache of a client.
func (doc *document) open(l list) (*elements, error) {
	if l == noList {
		return nil, errPatch
	}
	if doc.lists[l] != nil {
		return doc.lists[l], nil
	}
	all := &elements{at: map[uint64]int{}}
	err := l.each(doc.fields.get(lists[l].name), func(id uint64, raw []byte) { all.set(id, raw) })
	doc.lists[l] = all
	return all, err
}

// each calls do for every object of a raw list.
func (l list) each(raw []byte, do func(id uint64, raw []byte)) error {
	if absent(raw) {
		return nil
	}
	i := 0
	err := eachElement(raw, func(element []byte) error {
		id, err := l.idOf(element)
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		i++
		do(id, element)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", lists[l].name, err)
	}
	return nil
}

func (all *elements) set(id uint64, raw []byte) {
	if i, known := all.at[id]; known {
		all.raw[i] = raw
		return
	}
	all.at[id] = len(all.raw)
	all.raw = append(all.raw, raw)
}

func (all *elements) put(p patch) error {
	if keep := lists[p.list].keep; keep != nil {
		now, err := splitObject(p.raw)
		if err != nil {
			return err
		}
		all.change(p.id, func(before object) object {
			for _, f := range before.only(keep...) {
				if now.get(string(f.name)) == nil {
					now = append(now, f)
				}
			}
			return before
		})
		p.raw = now.bytes()
	}
	all.set(p.id, p.raw)
	return nil
}

// change replaces the object with that id, if there is one.
func (all *elements) change(id uint64, do func(object) object) {
	if i, known := all.at[id]; known {
		if o, err := splitObject(all.raw[i]); err == nil {
			all.raw[i] = do(o).bytes()
		}
	}
}

func (all *elements) remove(id uint64) {
	if i, known := all.at[id]; known {
		all.raw[i] = nil
		delete(all.at, id)
	}
}

// removeIn removes the objects whose field names that channel.
func (all *elements) removeIn(name string, channel uint64) {
	quoted := quote(channel)
	for id, i := range all.at {
		if !bytes.Contains(all.raw[i], quoted) {
			continue
		}
		if value, err := lookup(all.raw[i], name); err == nil && bytes.Equal(value, quoted) {
			all.remove(id)
		}
	}
}

// removeRole removes a role from the named field of every object.
func (all *elements) removeRole(name string, role uint64) {
	quoted := quote(role)
	for _, i := range all.at {
		if !bytes.Contains(all.raw[i], quoted) {
			continue
		}
		o, err := splitObject(all.raw[i])
		if err != nil {
			continue
		}
		var kept [][]byte
		err = eachElement(o.get(name), func(element []byte) error {
			id := element
			if object, err := lookup(element, "id"); err == nil {
				id = object
			}
			if !bytes.Equal(id, quoted) {
				kept = append(kept, element)
			}
			return nil
		})
		if err != nil {
			continue // no list, so the role is not in it
		}
		all.raw[i] = o.set(name, joinArray(kept)).bytes()
	}
}

// quote writes an id as Discord does.
func quote(id uint64) []byte { return fmt.Appendf(nil, `"%d"`, id) }

// bytes is the document as JSON.
func (doc *document) bytes() []byte {
	for l, all := range doc.lists {
		if all != nil {
			alive := slices.DeleteFunc(all.raw, func(raw []byte) bool { return raw == nil })
			doc.fields = doc.fields.set(lists[l].name, joinArray(alive))
		}
	}
	return doc.fields.bytes()
}

func joinArray(elements [][]byte) []byte {
	size := 2
	for _, element := range elements {
		size += len(element) + 1
	}
	b := append(make([]byte, 0, size), '[')
	for i, element := range elements {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, element...)
	}
	return append(b, ']')
}
