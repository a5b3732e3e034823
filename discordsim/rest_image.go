package discordsim

import (
	"crypto/sha256"
	"encoding/hex"
)

// imageKind says which picture of somebody or something it is.
type imageKind string

// The pictures that are kept by their hash.
const (
	imageAvatar imageKind = "avatar"
	imageBanner imageKind = "banner"
)

// imageKey is whose picture it is: of a user or a webhook.
type imageKey struct {
	owner ID
	kind  imageKind
}

// readImageHash reads a picture and gives the hash by which Discord names it from then on,
// which begins with "a_" where it may move; nil where there is none.
func readImageHash(f *form, name string) any {
	if !f.has(name) {
		return nil
	}
	prefix := ""
	if readImage(f, name, maxAvatarBytes) {
		prefix = "a_"
	}
	sum := sha256.Sum256([]byte(f.text(name, 0)))
	return prefix + hex.EncodeToString(sum[:16])
}

// setImage keeps the picture that a form gives; null takes it away. It is to be called once the
// form is known to be good.
func (r *restAPI) setImage(f *form, key imageKey) {
	if !f.given(string(key.kind)) {
		return
	}
	if hash, is := readImageHash(f, string(key.kind)).(string); is {
		r.images[key] = hash
	} else {
		delete(r.images, key)
	}
}

// image is the hash of a picture as JSON; nil for none.
func (r *restAPI) image(key imageKey) any { return orNull(r.images[key]) }
