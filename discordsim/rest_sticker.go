package discordsim

import (
	"net/http"
	"slices"
	"strings"
)

const maxStickersOfGuild = 5 // without boosts

// Sticker is a sticker of a guild.
type Sticker struct {
	ID                      ID
	Guild                   ID
	Name, Description, Tags string
	Format                  int // 1 PNG, 2 APNG, 3 Lottie, 4 GIF
	Creator                 ID
}

// renderSticker is a sticker of a guild.
func (r *restAPI) renderSticker(s *Sticker) map[string]any {
	return map[string]any{
		"id": s.ID, "name": s.Name, "description": orNull(s.Description), "tags": s.Tags, "type": 2, "format_type": s.Format, "available": true,
		"guild_id": s.Guild, "user": r.renderUser(r.sim.user(s.Creator)),
	}
}

func (r *restAPI) renderGuildStickers(g *Guild) []any {
	out := []any{}
	for _, s := range g.stickers {
		out = append(out, r.renderSticker(s))
	}
	return out
}

// onSticker makes the handler of a route about one sticker of a guild.
func onSticker(handle func(*restAPI, *restRequest, *Guild, *Sticker) restResponse) func(*restAPI, *restRequest) restResponse {
	return onGuild(func(r *restAPI, c *restRequest, g *Guild) restResponse {
		s := r.stickers[c.id("sticker")]
		if s == nil || s.Guild != g.ID {
			return errUnknownSticker.answer()
		}
		return handle(r, c, g, s)
	})
}

// listStickers is GET /guilds/{guild}/stickers.
func (r *restAPI) listStickers(_ *restRequest, g *Guild) restResponse {
	return ok200(r.renderGuildStickers(g))
}

// getGuildSticker is GET /guilds/{guild}/stickers/{sticker}.
func (r *restAPI) getGuildSticker(_ *restRequest, _ *Guild, s *Sticker) restResponse {
	return ok200(r.renderSticker(s))
}

// getSticker is GET /stickers/{sticker}.
func (r *restAPI) getSticker(c *restRequest) restResponse {
	s := r.stickers[c.id("sticker")]
	if s == nil {
		return errUnknownSticker.answer()
	}
	return ok200(r.renderSticker(s))
}

// listStickerPacks is GET /sticker-packs; there are none of Discord's own.
func (r *restAPI) listStickerPacks(*restRequest) restResponse {
	return ok200(map[string]any{"sticker_packs": []any{}})
}

// readSticker reads the fields that a form has into a sticker.
func readSticker(f *form, s *Sticker) {
	if f.has("name") {
		s.Name = f.between("name", 2, 30)
	}
	if f.given("description") {
		s.Description = f.text("description", 100)
	}
	if f.has("tags") {
		s.Tags = f.between("tags", 1, 200)
	}
}

// stickerFormats are the formats by the content type of the file.
var stickerFormats = map[string]int{"image/png": 1, "image/apng": 2, "application/json": 3, "image/gif": 4}

// createSticker is POST /guilds/{guild}/stickers, whose body is multipart.
func (r *restAPI) createSticker(c *restRequest, g *Guild) restResponse {
	f := c.form()
	for _, name := range []string{"name", "tags"} {
		f.require(name)
	}
	s := &Sticker{ID: r.sim.newID(), Guild: g.ID, Creator: c.app.Bot.ID, Format: 1}
	readSticker(f, s)
	if len(c.files) != 1 {
		f.refuse("file", "BASE_TYPE_REQUIRED", "This field is required")
	} else {
		kind, _, _ := strings.Cut(c.files[0].kind, ";")
		if kind == "application/octet-stream" || kind == "" {
			kind = http.DetectContentType(c.files[0].data)
		}
		if s.Format = stickerFormats[kind]; s.Format == 0 {
			f.refuse("file", "IMAGE_INVALID", "Invalid Asset")
		}
	}
	switch {
	case f.errors.any():
		return f.errors.answer()
	case len(g.stickers) >= maxStickersOfGuild:
		return errTooManyStickers.answer()
	}
	r.stickers[s.ID] = s
	g.stickers = append(slices.Clone(g.stickers), s)
	r.emitStickers(c, g)
	r.audit(c, g, auditStickerCreate, s.ID, nil, change{"name", nil, s.Name})
	return restResponse{status: http.StatusCreated, body: r.renderSticker(s)}
}

// emitStickers sends GUILD_STICKERS_UPDATE.
func (r *restAPI) emitStickers(c *restRequest, g *Guild) {
	c.emit(func() {
		r.sim.emit(nil, g, nil, "GUILD_STICKERS_UPDATE", map[string]any{"guild_id": g.ID, "stickers": r.renderGuildStickers(g)})
	})
}

// editSticker is PATCH /guilds/{guild}/stickers/{sticker}.
func (r *restAPI) editSticker(c *restRequest, g *Guild, s *Sticker) restResponse {
	f, edited := c.form(), *s
	if readSticker(f, &edited); f.errors.any() {
		return f.errors.answer()
	}
	r.audit(c, g, auditStickerUpdate, s.ID, nil, change{"name", s.Name, edited.Name})
	*s = edited
	r.emitStickers(c, g)
	return ok200(r.renderSticker(s))
}

// deleteSticker is DELETE /guilds/{guild}/stickers/{sticker}.
func (r *restAPI) deleteSticker(c *restRequest, g *Guild, s *Sticker) restResponse {
	delete(r.stickers, s.ID)
	g.stickers = slices.DeleteFunc(slices.Clone(g.stickers), func(other *Sticker) bool { return other == s })
	r.emitStickers(c, g)
	r.audit(c, g, auditStickerDelete, s.ID, nil, change{"name", s.Name, nil})
	return noContent()
}
