package discordsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// file is one attachment of a multipart body.
type file struct {
	field, name, kind string
	size              int64
	data              []byte
}

const (
	// maxFiles is Discord's: ten files a message.
	maxFiles = 10
	// maxFormField bounds a part that is not a file.
	maxFormField = 1 << 20
)

// readBody reads the body within its limits and converts it to JSON, from any of
// the three content types that Discord accepts (S-083). It keeps errors for later:
// the token and the rate limits are checked first.
func (r *restAPI) readBody(w http.ResponseWriter, c *restRequest) {
	if c.req.Body == nil || methodsWithoutBody[c.req.Method] {
		return
	}
	clock := http.NewResponseController(w)
	// Not every writer has deadlines; the limit on size holds in any case.
	if r.cfg.ReadTimeout > 0 {
		_ = clock.SetReadDeadline(time.Now().Add(r.cfg.ReadTimeout))
	}
	raw, err := io.ReadAll(limited(c.req.Body, r.cfg.BodyLimit))
	_ = clock.SetReadDeadline(time.Time{})
	refuse := func(a restResponse) { c.bodyError = &a }
	switch {
	case err != nil:
		refuse(errNotJSON.answer())
	case r.cfg.BodyLimit >= 0 && int64(len(raw)) > r.cfg.BodyLimit:
		w.Header().Set("Connection", "close")
		refuse(errTooLarge.answer())
	case len(raw) == 0:
	default:
		if a, ok := c.decode(raw, r.cfg.FileLimit); !ok {
			refuse(a)
		}
	}
}

// limited reads one byte more than the limit, so that too much is noticed; a
// negative limit is none.
func limited(body io.Reader, limit int64) io.Reader {
	if limit < 0 {
		return body
	}
	return io.LimitReader(body, limit+1)
}

// decode fills in c.body and c.files; it reports false with the refusal.
func (c *restRequest) decode(raw []byte, fileLimit int64) (restResponse, bool) {
	kind, params, err := mime.ParseMediaType(c.req.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	switch {
	case kind == "application/json":
		if !json.Valid(raw) {
			return errNotJSON.answer(), false
		}
		c.body = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	case kind == "multipart/form-data" && params["boundary"] != "":
		return c.decodeMultipart(raw, params["boundary"], fileLimit)
	case kind == "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(raw))
		if err != nil {
			return errNotJSON.answer(), false
		}
		fields := map[string]any{}
		for name, all := range values {
			fields[name] = all[0]
		}
		c.body = marshal(fields)
	default:
		return formError("", "CONTENT_TYPE_INVALID",
			`Expected "Content-Type" header to be one of {'application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'}.`), false
	}
	return restResponse{}, true
}

// decodeMultipart takes payload_json, or the single fields in its absence, and
// the files.
func (c *restRequest) decodeMultipart(raw []byte, boundary string, fileLimit int64) (restResponse, bool) {
	fields := map[string]any{}
	reader := multipart.NewReader(bytes.NewReader(raw), boundary)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errNotJSON.answer(), false
		}
		name := part.FormName()
		if strings.HasPrefix(name, "file") && part.FileName() != "" {
			data, err := io.ReadAll(part)
			if err != nil {
				return errNotJSON.answer(), false
			}
			size := int64(len(data))
			if fileLimit >= 0 && size > fileLimit {
				return errTooLarge.answer(), false
			}
			c.files = append(c.files, file{field: name, name: part.FileName(), kind: part.Header.Get("Content-Type"), size: size, data: data})
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFormField))
		if err != nil {
			return errNotJSON.answer(), false
		}
		if name == "payload_json" {
			if !json.Valid(value) {
				return errNotJSON.answer(), false
			}
			c.body = bytes.ToValidUTF8(value, []byte("\uFFFD"))
			continue
		}
		fields[name] = strings.ToValidUTF8(string(value), "\uFFFD")
	}
	if len(c.files) > maxFiles {
		return formError("files", "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxFiles), false
	}
	if c.body == nil {
		c.body = marshal(fields)
	}
	return restResponse{}, true
}

// contentTypeMissing reports a body that came without a Content-Type.
func (c *restRequest) contentTypeMissing() bool {
	return c.req.ContentLength != 0 && !methodsWithoutBody[c.req.Method] && c.req.Header.Get("Content-Type") == ""
}
