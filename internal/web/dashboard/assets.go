package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

//go:embed web
var web embed.FS

// assetsPath is where the files of the pages stand.
const assetsPath = "/assets/"

// assetTypes are the media types of the files.
var assetTypes = map[string]string{
	"evergreen.css":  "text/css; charset=utf-8",
	"evergreen.js":   "text/javascript; charset=utf-8",
	"dot-green.svg":  "image/svg+xml",
	"dot-amber.svg":  "image/svg+xml",
	"dot-red.svg":    "image/svg+xml",
	"dot-hollow.svg": "image/svg+xml",
}

// assetSums are the sums of the files, cut short, by which their addresses change.
var assetSums = func() map[string]string {
	sums := make(map[string]string, len(assetTypes))
	for name := range assetTypes {
		sum := sha256.Sum256(asset(name))
		sums[name] = hex.EncodeToString(sum[:6])
	}
	return sums
}()

// asset is the content of a file.
func asset(name string) []byte {
	content, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err) // it is compiled in
	}
	return content
}

// Asset is the address of a file of the pages. It changes with the content, so a
// browser may keep the file for good.
func (frame) Asset(name string) string {
	return strings.TrimPrefix(assetsPath, "/") + name + "?v=" + assetSums[name]
}

// serveAsset serves a file of the pages. A browser may keep it for good only
// under the address that names its content.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, assetsPath)
	kind, ok := assetTypes[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	content := asset(name)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if r.URL.Query().Get("v") == assetSums[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(content)
}
