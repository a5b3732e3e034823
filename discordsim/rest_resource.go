package discordsim

import (
	"net/http"
	"slices"
)

// resourceKind is a kind of thing that a guild has a list of and that means nothing to the
// simulator beyond what it shows: what it is made of, and what tells of it.
type resourceKind struct {
	fields   []setting
	required []string
	// audit is the action of the audit log for a new one; the next two are for a change
	// and for the end.
	audit int
	event string // its name before _CREATE, _UPDATE and _DELETE
	// sees is what a bot needs to be told.
	sees    uint64
	most    int
	tooMany restError
	unknown restError
	status  int // of the answer to a create
	// check refuses what the fields cannot say; before is nil for a new one.
	check  func(r *restAPI, f *form, x *resource, before settings) *restError
	render func(r *restAPI, x *resource) map[string]any
	// gone is the data of the event when it ends; nil is all of it.
	gone func(x *resource) map[string]any
}

// resource is one thing of a kind.
type resource struct {
	id, creator ID
	guild       *Guild
	fields      settings
	users       []ID // who is interested
}

// number is a field that is a whole number.
func (x *resource) number(name string) int64 {
	n, _ := x.fields[name].(int64)
	return n
}

// find finds one of a guild's resources of a kind.
func (g *Guild) find(kind *resourceKind, id ID) *resource {
	for _, x := range g.resources[kind] {
		if x.id == id {
			return x
		}
	}
	return nil
}

// renderResources lists a guild's resources of a kind.
func (r *restAPI) renderResources(kind *resourceKind, g *Guild) []any {
	out := []any{}
	for _, x := range g.resources[kind] {
		out = append(out, kind.render(r, x))
	}
	return out
}

// emit sends an event of a kind.
func (kind *resourceKind) emit(r *restAPI, c *restRequest, what string, x *resource) {
	c.emit(func() {
		data := kind.render(r, x)
		if what == "_DELETE" && kind.gone != nil {
			data = kind.gone(x)
		}
		for _, app := range slices.Clone(r.sim.inGuild[x.guild.ID]) {
			if r.sim.permissions(x.guild, app.Bot.ID)&kind.sees == kind.sees {
				r.sim.emit(app, x.guild, nil, kind.event+what, data)
			}
		}
	})
}

// list makes the handler that lists; wrap is given the list.
func (kind *resourceKind) list(wrap func([]any) any) func(*restAPI, *restRequest) restResponse {
	return onGuild(func(r *restAPI, _ *restRequest, g *Guild) restResponse {
		return ok200(wrap(r.renderResources(kind, g)))
	})
}

// on makes the handler of a route about one resource, whose id is the parameter "resource".
func (kind *resourceKind) on(handle func(*restAPI, *restRequest, *resource) restResponse) func(*restAPI, *restRequest) restResponse {
	return onGuild(func(r *restAPI, c *restRequest, g *Guild) restResponse {
		x := g.find(kind, c.id("resource"))
		if x == nil {
			return kind.unknown.answer()
		}
		return handle(r, c, x)
	})
}

func (kind *resourceKind) get(r *restAPI, _ *restRequest, x *resource) restResponse {
	return ok200(kind.render(r, x))
}

func (kind *resourceKind) create(r *restAPI, c *restRequest, g *Guild) restResponse {
	f, x := c.form(), &resource{id: r.sim.newID(), creator: c.app.Bot.ID, guild: g}
	for _, name := range kind.required {
		f.require(name)
	}
	var changes []change
	x.fields, changes = readSettings(f, kind.fields, 0, nil)
	if refused := kind.refuse(r, f, x, nil); refused != nil {
		return *refused
	}
	if len(g.resources[kind]) >= kind.most {
		return kind.tooMany.answer()
	}
	if g.resources == nil {
		g.resources = map[*resourceKind][]*resource{}
	}
	g.resources[kind] = append(slices.Clone(g.resources[kind]), x)
	kind.emit(r, c, "_CREATE", x)
	r.audit(c, g, kind.audit, x.id, nil, changes...)
	return restResponse{status: kind.status, body: kind.render(r, x)}
}

func (kind *resourceKind) edit(r *restAPI, c *restRequest, x *resource) restResponse {
	f, edited := c.form(), *x
	var changes []change
	edited.fields, changes = readSettings(f, kind.fields, 0, x.fields)
	if refused := kind.refuse(r, f, &edited, x.fields); refused != nil {
		return *refused
	}
	*x = edited
	kind.emit(r, c, "_UPDATE", x)
	r.audit(c, x.guild, kind.audit+1, x.id, nil, changes...)
	return ok200(kind.render(r, x))
}

// refuse is what is wrong with the fields of a create or an edit.
func (kind *resourceKind) refuse(r *restAPI, f *form, x *resource, before settings) *restResponse {
	if kind.check != nil && !f.errors.any() {
		if refused := kind.check(r, f, x, before); refused != nil {
			return refused.refusal()
		}
	}
	if f.errors.any() {
		a := f.errors.answer()
		return &a
	}
	return nil
}

func (kind *resourceKind) remove(r *restAPI, c *restRequest, x *resource) restResponse {
	x.guild.resources[kind] = slices.DeleteFunc(slices.Clone(x.guild.resources[kind]), func(other *resource) bool { return other == x })
	kind.emit(r, c, "_DELETE", x)
	r.audit(c, x.guild, kind.audit+2, x.id, nil)
	return noContent()
}

// routes are those that all kinds have.
func (kind *resourceKind) routes(path, bucket string, reads, creates, edits uint64, wrap func([]any) any) []*route {
	one := path + "/{resource}"
	return []*route{
		{method: http.MethodGet, path: path, bucket: bucket, needs: reads, handle: kind.list(wrap)},
		{method: http.MethodPost, path: path, bucket: bucket, needs: creates, handle: onGuild(func(r *restAPI, c *restRequest, g *Guild) restResponse { return kind.create(r, c, g) })},
		{method: http.MethodGet, path: one, bucket: bucket, needs: reads, handle: kind.on(kind.get)},
		{method: http.MethodPatch, path: one, bucket: bucket, needs: edits, handle: kind.on(kind.edit)},
		{method: http.MethodDelete, path: one, bucket: bucket, needs: edits, handle: kind.on(kind.remove)},
	}
}
