package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed web
var shared embed.FS

// FilesPath is where the files of the pages stand.
const FilesPath = "/assets/"

// fileTypes are the media types of the files that are served, by their ending.
var fileTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// file is one file that pages load.
type file struct {
	content []byte
	kind    string
	sum     string // of the content, cut short, by which its address changes
}

// Files are the style sheets, scripts and pictures of pages. Make them with
// [NewFiles]. All methods may be called at the same time.
type Files map[string]file

// NewFiles reads the files of the folder web of own, and adds those that all pages
// have in common. It panics if they cannot be read: they are compiled in.
func NewFiles(own fs.FS) Files {
	files := Files{}
	for _, from := range []fs.FS{shared, own} {
		entries, err := fs.ReadDir(from, "web")
		if err != nil {
			panic(err)
		}
		for _, e := range entries {
			kind := fileTypes[path.Ext(e.Name())]
			if kind == "" {
				continue
			}
			content, err := fs.ReadFile(from, "web/"+e.Name())
			if err != nil {
				panic(err)
			}
			sum := sha256.Sum256(content)
			files[e.Name()] = file{content, kind, hex.EncodeToString(sum[:6])}
		}
	}
	return files
}

// Names are the files, in order.
func (f Files) Names() []string { return slices.Sorted(maps.Keys(f)) }

// Content is what is in a file; nil if there is no such file.
func (f Files) Content(name string) []byte { return f[name].content }

// Kind is the media type of a file.
func (f Files) Kind(name string) string { return f[name].kind }

// Address is the address of a file, relative to the page. It changes with the
// content, so a browser may keep the file for good.
func (f Files) Address(name string) string {
	one, ok := f[name]
	if !ok {
		panic(fmt.Sprintf("there is no file %s", name)) // a template asks for it
	}
	return strings.TrimPrefix(FilesPath, "/") + name + "?v=" + one.sum
}

// ServeHTTP serves a file. A browser may keep it for good only under the address
// that names its content.
func (f Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one, ok := f[strings.TrimPrefix(r.URL.Path, FilesPath)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", one.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(one.content)))
	if r.URL.Query().Get("v") == one.sum {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(one.content)
}

// Templates parses the templates of the folder web of own, and those that all pages
// have in common: "brand" and "switches". It panics on a mistake in them.
func Templates(own fs.FS) *template.Template {
	return template.Must(template.Must(template.ParseFS(shared, "web/*.html")).ParseFS(own, "web/*.html"))
}
