package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"evergreen/internal/regular"
)

// storeFileBytes is how long a file of a [Store] may get before the next one begins.
const storeFileBytes = 8 << 20

// storeEnding is that of a Store's files. A file is named for the place of its first piece, in
// as many digits as any place has.
const (
	storeEnding = ".events"
	storeDigits = 18
	maxPlace    = 1e18
)

// storeHeader is the length of what stands before each piece: its length and a checksum.
const storeHeader = 4 + 4

// storeKind is part of each checksum, so that zeros are no empty piece.
const storeKind = 's'

// errDropped: a piece is read that was dropped, or was never written.
var errDropped = errors.New("it is not on the disk any more")

// Store keeps pieces of data on a disk, each at a place, for as long as it is told to.
// Places rise. What an earlier process has written can be read; it is never written to.
//
// Make it with [OpenStore]. All methods may be called at the same time.
type Store struct {
	dir string

	writing sync.Mutex // held by what changes the files, which may take as long as the disk does

	mu    sync.Mutex
	files []storeFile // by place
	next  int64       // the place of the next piece
}

type storeFile struct {
	*os.File
	first int64 // the place of its beginning
	size  int64
	dirty bool // not yet brought to the disk
	old   bool // an earlier process has written it
}

// OpenStore opens a folder that is there. Files that cannot be opened are left out.
func OpenStore(dir string) (*Store, error) {
	entries, err := os.ReadDir(dir) // by name, so by place
	if err != nil {
		return nil, fmt.Errorf("the folder for events that do not fit into memory cannot be read: %w", err)
	}
	s := &Store{dir: dir, next: 1}
	for _, e := range entries {
		first, _ := strconv.ParseInt(strings.TrimSuffix(e.Name(), storeEnding), 10, 64)
		if first < 1 || first >= maxPlace || s.path(first) != filepath.Join(dir, e.Name()) {
			continue
		}
		f, err := regular.Open(s.path(first), os.O_RDONLY, 0)
		if err != nil {
			continue
		}
		info, err := f.Stat()
		if err != nil {
			_ = f.Close()
			continue
		}
		s.files = append(s.files, storeFile{File: f, first: first, size: info.Size(), old: true})
		s.next = max(s.next, first+info.Size())
	}
	return s, nil
}

// Write keeps pieces and returns their places. After an error none is kept.
func (s *Store) Write(pieces [][]byte) (places []int64, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	file, err := s.current()
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, piece := range pieces {
		places = append(places, file.first+file.size+int64(len(out)))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(piece)))
		out = binary.LittleEndian.AppendUint32(out, checksum(storeKind, piece))
		out = append(out, piece...)
	}
	if _, err := file.WriteAt(out, file.size); err != nil {
		return nil, errors.Join(err, file.Truncate(file.size))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := &s.files[len(s.files)-1]
	last.size += int64(len(out))
	last.dirty = true
	s.next = last.first + last.size
	return places, nil
}

// current returns the file that is written to.
func (s *Store) current() (storeFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.files); n > 0 && !s.files[n-1].old && s.files[n-1].size < storeFileBytes {
		return s.files[n-1], nil
	}
	f, err := regular.Open(s.path(s.next), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return storeFile{}, err
	}
	s.files = append(s.files, storeFile{File: f, first: s.next})
	return s.files[len(s.files)-1], nil
}

func (s *Store) path(first int64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%0*d%s", storeDigits, first, storeEnding))
}

// Read returns the piece at a place.
func (s *Store) Read(place int64) ([]byte, error) {
	s.mu.Lock()
	i := sort.Search(len(s.files), func(i int) bool { return s.files[i].first > place }) - 1
	if i < 0 || place-s.files[i].first >= s.files[i].size {
		s.mu.Unlock()
		return nil, errDropped
	}
	file := s.files[i]
	s.mu.Unlock()
	var head [storeHeader]byte
	at := place - file.first
	if _, err := file.ReadAt(head[:], at); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(head[:]))
	if at+storeHeader+length > file.size {
		return nil, errors.New("it is not what was written")
	}
	piece := make([]byte, length)
	if _, err := file.ReadAt(piece, at+storeHeader); err != nil {
		return nil, err
	}
	if checksum(storeKind, piece) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, errors.New("it is not what was written")
	}
	return piece, nil
}

// Sync brings what was written to the disk, so that it survives the loss of power.
func (s *Store) Sync() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	files := slices.Clone(s.files)
	s.mu.Unlock()
	for i, file := range files {
		if !file.dirty {
			continue
		}
		if err := file.Sync(); err != nil {
			return err
		}
		s.mu.Lock()
		s.files[i].dirty = false
		s.mu.Unlock()
	}
	return nil
}

// DropBelow deletes the files whose pieces are all below a place. A file that cannot be
// deleted costs room and nothing else.
func (s *Store) DropBelow(place int64) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	n := 0
	for n < len(s.files) && s.files[n].first+s.files[n].size <= place {
		n++
	}
	gone := s.files[:n]
	s.files = slices.Clone(s.files[n:])
	s.mu.Unlock()
	for _, file := range gone {
		_ = file.Close()
		_ = os.Remove(s.path(file.first))
	}
}

// Next returns the place of the next piece.
func (s *Store) Next() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// Close closes the files, which stay.
func (s *Store) Close() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, file := range s.files {
		_ = file.Close()
	}
	s.files = nil
}
