package discordsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// commandScope is where a command stands: globally or in one guild. New ones
// are counted per scope and day.
type commandScope struct{ app, guild ID }

// createDay counts creates within one day.
type createDay struct {
	start time.Time
	used  int
}

// putCount counts PUTs that changed nothing.
type putCount struct{ unchanged int }

// scopeFor checks that the path names the own application and a guild the app
// is in.
func (r *restAPI) scopeFor(c *restRequest) (commandScope, *restResponse) {
	scope := commandScope{app: c.app.ID}
	if c.id("application") != c.app.ID {
		if r.sim.apps[c.id("application")] == nil {
			return scope, errUnknownApp.refusal()
		}
		return scope, errNotThisApp.refusal()
	}
	if c.params["guild"] != "" {
		if _, refused := r.guildFor(c); refused != nil {
			return scope, refused
		}
		scope.guild = c.id("guild")
	}
	return scope, nil
}

// check refuses what does not go into the scope.
func (s commandScope) check(f *form, d definition) {
	if d.kind == commandEntry && s.guild != 0 {
		f.refuse("type", "APPLICATION_COMMAND_INVALID_TYPE", "Primary entry point commands can only be global")
	}
}

// filter lists the commands of a scope.
func (s commandScope) filter(all []*Command) []*Command {
	var out []*Command
	for _, command := range all {
		if command.Guild == s.guild {
			out = append(out, command)
		}
	}
	return out
}

// find finds the standing command of the same type and name.
func (d definition) find(standing []*Command) *Command {
	for _, command := range standing {
		if command.Type == d.kind && command.Name == d.name {
			return command
		}
	}
	return nil
}

// matchStanding finds for each definition the standing command it replaces: first
// the one whose id it carries, which so can get a new name, then one of the same
// type and name that is left. Nil marks a new command.
func matchStanding(all []definition, standing []*Command) []*Command {
	out := make([]*Command, len(all))
	left := slices.Clone(standing)
	claim := func(i int, is func(*Command) bool) {
		if at := slices.IndexFunc(left, is); at >= 0 {
			out[i] = left[at]
			left = slices.Delete(left, at, at+1)
		}
	}
	for i, d := range all {
		claim(i, func(command *Command) bool { return d.id != 0 && command.ID == d.id && command.Type == d.kind })
	}
	for i, d := range all {
		if out[i] == nil {
			claim(i, func(command *Command) bool { return command.Type == d.kind && command.Name == d.name })
		}
	}
	return out
}

// day is the running count of new commands in a scope.
func (r *restAPI) day(scope commandScope, now time.Time) *createDay {
	d := r.creates[scope]
	if d == nil || now.Sub(d.start) >= 24*time.Hour {
		d = &createDay{start: now}
		r.creates[scope] = d
	}
	return d
}

// tooManyCommands reports the refusal when a scope would hold too many of a type.
func tooManyCommands(count map[int]int) *restResponse {
	for kind, n := range count {
		if limit := commandLimits[kind]; n > limit {
			a := restError{http.StatusBadRequest, 30032, fmt.Sprintf("Maximum number of application commands reached (%d).", limit)}.answer()
			return &a
		}
	}
	return nil
}

// listCommands is GET of a scope. Translations are there only where they are asked for.
func (r *restAPI) listCommands(c *restRequest, scope commandScope) restResponse {
	list := renderCommands(scope.filter(c.app.Commands))
	if with := c.query.Get("with_localizations"); !strings.EqualFold(with, "true") && with != "1" {
		for _, command := range list {
			delete(command, "name_localizations")
			delete(command, "description_localizations")
		}
	}
	return ok200(list)
}

// createCommand is POST: 201 for a new command, 200 when one of the same type
// and name stood there.
func (r *restAPI) createCommand(c *restRequest, scope commandScope) restResponse {
	f := c.form()
	d := readCommand(f)
	scope.check(f, d)
	if f.errors.any() {
		return f.errors.answer()
	}
	standing := scope.filter(c.app.Commands)
	if old := d.find(standing); old != nil {
		r.setCommand(old, d)
		return ok200(renderCommand(old))
	}
	count := map[int]int{d.kind: 1}
	for _, command := range standing {
		if command.Type == d.kind {
			count[d.kind]++
		}
	}
	if a := tooManyCommands(count); a != nil {
		return *a
	}
	day := r.day(scope, c.now)
	if r.cfg.DailyCreates >= 0 && day.used >= r.cfg.DailyCreates {
		return errDailyCreates.answer()
	}
	day.used++
	command := r.newCommand(scope, d)
	c.app.Commands = append(c.app.Commands, command)
	return restResponse{status: http.StatusCreated, body: renderCommand(command)}
}

// replaceCommands is PUT: the body becomes the whole scope, of all types. An Entry Point
// command that stands cannot be left out.
func (r *restAPI) replaceCommands(c *restRequest, scope commandScope) restResponse {
	var entries []json.RawMessage
	if len(c.body) == 0 {
		return errNotJSON.answer()
	}
	if json.Unmarshal(c.body, &entries) != nil || entries == nil {
		return formError("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	f := newForm(marshal(map[string]any{"": entries}))
	if len(entries) > maxCommandPut {
		return formError("", "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxCommandPut)
	}
	var all []definition
	count, names := map[int]int{}, map[string]bool{}
	for _, entry := range f.each("", 0) {
		d := readCommand(entry)
		scope.check(entry, d)
		count[d.kind]++
		key := fmt.Sprintf("%d %s", d.kind, d.name)
		if names[key] {
			entry.refuse("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		names[key] = true
		all = append(all, d)
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	if a := tooManyCommands(count); a != nil {
		return *a
	}
	standing := scope.filter(c.app.Commands)
	isEntry := func(command *Command) bool { return command.Type == commandEntry }
	if count[commandEntry] == 0 && slices.ContainsFunc(standing, isEntry) {
		return errEntryPointMissing.answer()
	}
	replaced := matchStanding(all, standing)
	fresh := 0
	for _, old := range replaced {
		if old == nil {
			fresh++
		}
	}
	day := r.day(scope, c.now)
	if r.cfg.DailyCreates >= 0 && day.used+fresh > r.cfg.DailyCreates {
		return errDailyCreates.answer()
	}
	day.used += fresh
	r.checkUnchangedPut(c, scope, standing, replaced, all)
	next := make([]*Command, 0, len(all))
	for i, d := range all {
		command := replaced[i]
		if command == nil {
			command = r.newCommand(scope, d)
		} else {
			r.setCommand(command, d)
		}
		next = append(next, command)
	}
	c.app.Commands = append(slices.DeleteFunc(c.app.Commands, func(command *Command) bool { return command.Guild == scope.guild }), next...)
	return ok200(renderCommands(next))
}

// checkUnchangedPut records a PUT that changes nothing.
func (r *restAPI) checkUnchangedPut(c *restRequest, scope commandScope, standing, replaced []*Command, all []definition) {
	if len(standing) != len(all) || len(all) == 0 {
		return
	}
	for i, d := range all {
		if old := replaced[i]; old == nil || !bytes.Equal(old.Raw, d.raw) {
			return
		}
	}
	record := r.puts[scope]
	record.unchanged++
	r.puts[scope] = record
	r.violation(c, "G-142", fmt.Sprintf("commands were put again unchanged (%d so far)", record.unchanged))
}

func (r *restAPI) newCommand(scope commandScope, d definition) *Command {
	command := &Command{ID: r.sim.newID(), App: scope.app, Guild: scope.guild}
	r.setCommand(command, d)
	return command
}

func (r *restAPI) setCommand(command *Command, d definition) {
	if !bytes.Equal(command.Raw, d.raw) {
		command.Version = r.sim.newID()
	}
	command.Type, command.Name, command.Raw = d.kind, d.name, d.raw
}

// commandFor finds the command of the path.
func (r *restAPI) commandFor(c *restRequest) (commandScope, *Command, *restResponse) {
	scope, refused := r.scopeFor(c)
	if refused != nil {
		return scope, nil, refused
	}
	for _, command := range scope.filter(c.app.Commands) {
		if command.ID == c.id("command") {
			return scope, command, nil
		}
	}
	return scope, nil, errUnknownCommand.refusal()
}

func (r *restAPI) getCommand(c *restRequest) restResponse {
	_, command, refused := r.commandFor(c)
	if refused != nil {
		return *refused
	}
	return ok200(renderCommand(command))
}

// editCommand is PATCH: fields the body does not name stay.
func (r *restAPI) editCommand(c *restRequest) restResponse {
	scope, command, refused := r.commandFor(c)
	if refused != nil {
		return *refused
	}
	change := c.form()
	if change.errors.any() {
		return change.errors.answer()
	}
	merged := newForm(command.Raw)
	for name, raw := range change.fields {
		if name != "type" && name != "id" {
			merged.fields[name] = raw
		}
	}
	d := readCommand(merged)
	if !merged.errors.any() {
		if other := d.find(scope.filter(c.app.Commands)); other != nil && other != command {
			merged.refuse("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
	}
	if merged.errors.any() {
		return merged.errors.answer()
	}
	r.setCommand(command, d)
	return ok200(renderCommand(command))
}

func (r *restAPI) deleteCommand(c *restRequest) restResponse {
	_, command, refused := r.commandFor(c)
	if refused != nil {
		return *refused
	}
	c.app.Commands = slices.DeleteFunc(c.app.Commands, func(other *Command) bool { return other == command })
	return noContent()
}

// renderCommand is the command with what Discord adds and fills in.
func renderCommand(command *Command) map[string]any {
	out := map[string]any{
		"description": "", "name_localizations": nil, "description_localizations": nil, "default_member_permissions": nil,
		"dm_permission": true, "contexts": nil, "integration_types": []int{0}, "nsfw": false,
	}
	for name, raw := range newForm(command.Raw).fields {
		out[name] = raw
	}
	out["id"], out["application_id"], out["version"] = command.ID, command.App, command.Version
	out["type"], out["name"] = command.Type, command.Name
	if command.Guild != 0 {
		out["guild_id"] = command.Guild
	}
	return out
}

func renderCommands(all []*Command) []map[string]any {
	out := make([]map[string]any, 0, len(all))
	for _, command := range all {
		out = append(out, renderCommand(command))
	}
	return out
}
