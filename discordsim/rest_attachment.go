package discordsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"image"
	_ "image/gif"  // for the size of pictures
	_ "image/jpeg" // for the size of pictures
	_ "image/png"  // for the size of pictures
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	attachmentPath = "/attachments/"
	// maxUploads bounds the bytes of attachments that are kept; the oldest go first.
	maxUploads = 64 << 20
)

// upload is the content of one attachment.
type upload struct {
	id   ID
	kind string
	data []byte
}

// attachmentOrder is what an entry of "attachments" says: what stays, and how a file of
// the same body is called and described.
type attachmentOrder struct {
	id, name, description, title string
}

// readAttachments reads the list of attachments; nil when the body has none.
func readAttachments(f *form) (orders []attachmentOrder) {
	if !f.has("attachments") {
		return nil
	}
	orders = []attachmentOrder{}
	for i, a := range f.each("attachments", maxAttachments) {
		orders = append(orders, attachmentOrder{
			id: cmp.Or(a.text("id", 0), strconv.Itoa(i)), name: a.text("filename", 0), description: a.text("description", 1024), title: a.text("title", 1024),
		})
	}
	return orders
}

// attach makes the list of a message's attachments: what is there already and stays, and
// every file of the body. The files can be fetched from the simulator afterwards. It is
// nil where the message has never had any.
func (r *restAPI) attach(m *Message, d draft) json.RawMessage {
	have := m.Extra["attachments"]
	if d.attachments == nil && len(d.files) == 0 {
		return have
	}
	var before, list []map[string]any
	_ = json.Unmarshal(have, &before) // nothing, or what was made here
	for _, a := range before {
		if d.attachments == nil || slices.ContainsFunc(d.attachments, func(o attachmentOrder) bool { return o.id == a["id"] }) {
			list = append(list, a)
		}
	}
	for i, up := range d.files {
		number := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(up.field, "files["), "file"), "]")
		order := attachmentOrder{}
		for _, o := range d.attachments {
			if o.id == number || number == "" && o.id == strconv.Itoa(i) {
				order = o
			}
		}
		list = append(list, r.keepUpload(m.Channel.ID, up, order, d.site))
	}
	if list == nil {
		return json.RawMessage("[]")
	}
	return marshal(list)
}

// unsafeName is what Discord takes out of the names of files.
var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// keepUpload keeps the bytes of a file and describes them as an attachment.
func (r *restAPI) keepUpload(channel ID, up file, order attachmentOrder, site string) map[string]any {
	name := strings.Trim(unsafeName.ReplaceAllString(cmp.Or(order.name, up.name), "_"), "_")
	kind := up.kind
	if kind == "" || kind == "application/octet-stream" {
		kind = cmp.Or(mime.TypeByExtension(path.Ext(name)), http.DetectContentType(up.data))
	}
	kept := upload{id: r.sim.newID(), kind: kind, data: up.data}
	r.uploads = append(r.uploads, kept)
	for r.uploadBytes += len(up.data); r.uploadBytes > maxUploads && len(r.uploads) > 1; r.uploads = r.uploads[1:] {
		r.uploadBytes -= len(r.uploads[0].data)
	}
	url := site + attachmentPath + channel.String() + "/" + kept.id.String() + "/" + cmp.Or(name, "unknown")
	out := map[string]any{
		"id": kept.id, "filename": cmp.Or(name, "unknown"), "size": up.size, "url": url, "proxy_url": url, "content_type": kind,
	}
	if order.description != "" {
		out["description"] = order.description
	}
	if order.title != "" {
		out["title"] = order.title
	}
	if size, _, err := image.DecodeConfig(bytes.NewReader(up.data)); err == nil {
		out["width"], out["height"] = size.Width, size.Height
	}
	return out
}

// serveAttachment serves the bytes of an attachment, as Discord's CDN does.
func (r *restAPI) serveAttachment(w http.ResponseWriter, req *http.Request) {
	parts := strings.Split(strings.TrimPrefix(req.URL.Path, attachmentPath), "/")
	var found *upload
	if len(parts) == 3 {
		r.locked(func() {
			for i := range r.uploads {
				if r.uploads[i].id.String() == parts[1] {
					found = &upload{kind: r.uploads[i].kind, data: r.uploads[i].data}
				}
			}
		})
	}
	if found == nil {
		http.Error(w, "This content is no longer available.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", found.kind)
	// A page that a bot uploads must not act in the name of this address.
	w.Header().Set("Content-Security-Policy", "sandbox")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(found.data)))
	_, _ = w.Write(found.data) // a client that has gone away cannot be told
}

// Attachments serves what was uploaded, at the paths that attachments have. It is for a page
// on another port; clients of the API find attachments beside it.
func (s *Sim) Attachments() http.Handler { return http.HandlerFunc(s.rest.serveAttachment) }
