package discordsim

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	maxEmojis     = 50 // of each kind, still and animated
	maxAppEmojis  = 2000
	maxEmojiBytes = 256 << 10
)

// Emoji is a custom emoji of a guild or an app.
type Emoji struct {
	ID       ID
	Name     string
	Animated bool
	Roles    []ID
	Creator  ID
}

var (
	emojiName = regexp.MustCompile(`^[A-Za-z0-9_]{2,32}$`)
	imageData = regexp.MustCompile(`^data:image/(png|jpeg|gif|webp);base64,`)
)

// readImage checks an image that comes as a data URI. It reports whether it may move.
func readImage(f *form, name string, most int) (animated bool) {
	if !f.require(name) {
		return false
	}
	text := f.text(name, 0)
	head := imageData.FindString(text)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, head))
	switch {
	case head == "" || err != nil:
		f.refuse(name, "IMAGE_INVALID", "Invalid image data")
	case len(raw) > most:
		f.refuse(name, "BINARY_TYPE_MAX_SIZE", "File cannot be larger than %d kb.", most>>10)
	}
	return strings.HasPrefix(head, "data:image/gif")
}

// readEmojiName reads the name of an emoji.
func readEmojiName(f *form) string {
	name := f.between("name", 2, 32)
	if name != "" && !emojiName.MatchString(name) {
		f.refuse("name", "STRING_TYPE_REGEX", "String value did not match validation regex.")
	}
	return name
}

// renderEmojiObject is an emoji of a guild or an app.
func (r *restAPI) renderEmojiObject(e *Emoji) map[string]any {
	return map[string]any{
		"id": e.ID, "name": e.Name, "roles": idList(e.Roles), "user": r.renderUser(r.sim.user(e.Creator)), "require_colons": true, "managed": false,
		"animated": e.Animated, "available": true,
	}
}

func (r *restAPI) renderEmojis(all []*Emoji) []any {
	out := []any{}
	for _, e := range all {
		out = append(out, r.renderEmojiObject(e))
	}
	return out
}

// findEmoji finds the emoji of the path in a list.
func findEmoji(c *restRequest, all []*Emoji) *Emoji {
	for _, e := range all {
		if e.ID == c.id("emoji_id") {
			return e
		}
	}
	return nil
}

// onEmoji makes the handler of a route about one emoji of a guild.
func onEmoji(handle func(*restAPI, *restRequest, *Guild, *Emoji) restResponse) func(*restAPI, *restRequest) restResponse {
	return onGuild(func(r *restAPI, c *restRequest, g *Guild) restResponse {
		e := findEmoji(c, g.emojis)
		if e == nil {
			return errNoSuchEmoji.answer()
		}
		return handle(r, c, g, e)
	})
}

// listEmojis is GET /guilds/{guild}/emojis.
func (r *restAPI) listEmojis(_ *restRequest, g *Guild) restResponse {
	return ok200(r.renderEmojis(g.emojis))
}

// getEmoji is GET /guilds/{guild}/emojis/{emoji_id}.
func (r *restAPI) getEmoji(_ *restRequest, _ *Guild, e *Emoji) restResponse {
	return ok200(r.renderEmojiObject(e))
}

// createEmoji is POST /guilds/{guild}/emojis.
func (r *restAPI) createEmoji(c *restRequest, g *Guild) restResponse {
	f := c.form()
	e := &Emoji{ID: r.sim.newID(), Name: readEmojiName(f), Creator: c.app.Bot.ID, Animated: readImage(f, "image", maxEmojiBytes), Roles: f.ids("roles", maxRoles)}
	same := 0
	for _, other := range g.emojis {
		if other.Animated == e.Animated {
			same++
		}
	}
	switch {
	case f.errors.any():
		return f.errors.answer()
	case same >= maxEmojis && e.Animated:
		return errTooManyAnimated.answer()
	case same >= maxEmojis:
		return errTooManyEmojis.answer()
	}
	g.emojis = append(slices.Clone(g.emojis), e)
	r.emitEmojis(c, g)
	r.audit(c, g, auditEmojiCreate, e.ID, nil, change{"name", nil, e.Name})
	return restResponse{status: http.StatusCreated, body: r.renderEmojiObject(e)}
}

// emitEmojis sends GUILD_EMOJIS_UPDATE.
func (r *restAPI) emitEmojis(c *restRequest, g *Guild) {
	c.emit(func() {
		r.sim.emit(nil, g, nil, "GUILD_EMOJIS_UPDATE", map[string]any{"guild_id": g.ID, "emojis": r.renderEmojis(g.emojis)})
	})
}

// editEmoji is PATCH /guilds/{guild}/emojis/{emoji_id}.
func (r *restAPI) editEmoji(c *restRequest, g *Guild, e *Emoji) restResponse {
	f, name, roles := c.form(), e.Name, e.Roles
	if f.has("name") {
		name = readEmojiName(f)
	}
	if f.given("roles") {
		roles = f.ids("roles", maxRoles)
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	r.audit(c, g, auditEmojiUpdate, e.ID, nil, change{"name", e.Name, name})
	e.Name, e.Roles = name, roles
	r.emitEmojis(c, g)
	return ok200(r.renderEmojiObject(e))
}

// deleteEmoji is DELETE /guilds/{guild}/emojis/{emoji_id}.
func (r *restAPI) deleteEmoji(c *restRequest, g *Guild, e *Emoji) restResponse {
	g.emojis = slices.DeleteFunc(slices.Clone(g.emojis), func(other *Emoji) bool { return other == e })
	r.emitEmojis(c, g)
	r.audit(c, g, auditEmojiDelete, e.ID, nil, change{"name", e.Name, nil})
	return noContent()
}

// ownApp finds the app of the path, which has to be the caller.
func (r *restAPI) ownApp(c *restRequest) (*App, *restResponse) {
	switch app := r.sim.apps[c.id("application")]; {
	case app == nil:
		return nil, errUnknownApp.refusal()
	case app != c.app:
		return nil, errNotThisApp.refusal()
	default:
		return app, nil
	}
}

// onApp makes the handler of a route about the caller's own app.
func onApp(handle func(*restAPI, *restRequest, *App) restResponse) func(*restAPI, *restRequest) restResponse {
	return on((*restAPI).ownApp, handle)
}

// listAppEmojis is GET /applications/{application}/emojis.
func (r *restAPI) listAppEmojis(_ *restRequest, app *App) restResponse {
	return ok200(map[string]any{"items": r.renderEmojis(app.emojis)})
}

// createAppEmoji is POST /applications/{application}/emojis.
func (r *restAPI) createAppEmoji(c *restRequest, app *App) restResponse {
	f := c.form()
	e := &Emoji{ID: r.sim.newID(), Name: readEmojiName(f), Creator: app.Bot.ID, Animated: readImage(f, "image", maxEmojiBytes)}
	switch {
	case f.errors.any():
		return f.errors.answer()
	case len(app.emojis) >= maxAppEmojis:
		return errTooManyEmojis.answer()
	}
	app.emojis = append(app.emojis, e)
	return restResponse{status: http.StatusCreated, body: r.renderEmojiObject(e)}
}

// getAppEmoji is GET /applications/{application}/emojis/{emoji_id}.
func (r *restAPI) getAppEmoji(c *restRequest, app *App) restResponse {
	e := findEmoji(c, app.emojis)
	if e == nil {
		return errNoSuchEmoji.answer()
	}
	return ok200(r.renderEmojiObject(e))
}

// editAppEmoji is PATCH /applications/{application}/emojis/{emoji_id}.
func (r *restAPI) editAppEmoji(c *restRequest, app *App) restResponse {
	f, e := c.form(), findEmoji(c, app.emojis)
	if e == nil {
		return errNoSuchEmoji.answer()
	}
	name := readEmojiName(f)
	if f.errors.any() {
		return f.errors.answer()
	}
	e.Name = name
	return ok200(r.renderEmojiObject(e))
}

// deleteAppEmoji is DELETE /applications/{application}/emojis/{emoji_id}.
func (r *restAPI) deleteAppEmoji(c *restRequest, app *App) restResponse {
	e := findEmoji(c, app.emojis)
	if e == nil {
		return errNoSuchEmoji.answer()
	}
	app.emojis = slices.DeleteFunc(app.emojis, func(other *Emoji) bool { return other == e })
	return noContent()
}
