package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// openStore opens a Store that is closed with the test.
func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// write writes pieces of a length, and returns their places.
func write(t *testing.T, s *Store, count, length int) (places []int64) {
	t.Helper()
	var pieces [][]byte
	for i := range count {
		pieces = append(pieces, bytes.Repeat([]byte{byte('a' + i%26)}, length))
	}
	places, err := s.Write(pieces)
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// wantPieces fails the test unless the pieces of write are at their places.
func wantPieces(t *testing.T, s *Store, places []int64, length int) {
	t.Helper()
	for i, place := range places {
		got, err := s.Read(place)
		if want := bytes.Repeat([]byte{byte('a' + i%26)}, length); err != nil || !bytes.Equal(got, want) {
			t.Errorf("at %d is %.20q (%d bytes), %v", place, got, len(got), err)
		}
	}
}

func storeFiles(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, "*"+storeEnding))
	return files
}

// What was written is there after another start, at the same place, and what is written then
// comes after it in another file.
func TestPiecesKeepTheirPlaces(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	first := write(t, s, 3, 1000)
	empty := write(t, s, 1, 0)
	if err := s.Sync(); err != nil {
		t.Error(err)
	}
	s.Close()
	s = openStore(t, dir)
	second := write(t, s, 3, 1000)
	wantPieces(t, s, first, 1000)
	wantPieces(t, s, empty, 0)
	wantPieces(t, s, second, 1000)
	if second[0] <= empty[0] || s.Next() <= second[2] || len(storeFiles(dir)) != 2 {
		t.Errorf("places %v, %v, %v, next %d, in %q", first, empty, second, s.Next(), storeFiles(dir))
	}
}

// A file is deleted once nothing in it is needed, and not before.
func TestFilesAreDeletedFromTheFront(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	var places []int64
	for range 3 { // a file each
		places = append(places, write(t, s, 1, storeFileBytes)...)
	}
	s.DropBelow(places[1])
	if n := len(storeFiles(dir)); n != 2 {
		t.Errorf("there are %d files, want 2", n)
	}
	if _, err := s.Read(places[0]); err == nil {
		t.Error("what was dropped can be read")
	}
	wantPieces(t, s, places[1:2], storeFileBytes)
	s.DropBelow(places[1] + 1)
	wantPieces(t, s, places[1:2], storeFileBytes)
	s.DropBelow(s.Next())
	if n := len(storeFiles(dir)); n != 0 {
		t.Errorf("there are %d files, want none", n)
	}
	last := places[2] + storeFileBytes
	for range 2 { // also when the file that is deleted had room yet
		after := write(t, s, 2, 10)
		wantPieces(t, s, after, 10)
		if after[0] < last {
			t.Errorf("the place %d comes before %d", after[0], last)
		}
		last = s.Next()
		s.DropBelow(last)
	}
}

// What is not what was written is not returned, whatever it is.
func TestDamagedPiecesAreNotReturned(t *testing.T) {
	dir := t.TempDir()
	places := write(t, openStore(t, dir), 2, 100)
	path := storeFiles(dir)[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int, to byte) []byte {
		content := bytes.Clone(whole)
		content[at] = to
		return content
	}
	for name, content := range map[string][]byte{
		"zeros":            make([]byte, len(whole)),
		"another byte":     changed(storeHeader+50, 'x'),
		"another length":   changed(0, 99),
		"a longer length":  changed(2, 1),
		"another checksum": changed(4, whole[4]+1),
		"the head alone":   whole[:storeHeader],
		"half a head":      whole[:storeHeader/2],
		"half a piece":     whole[:storeHeader+50],
		"nothing":          nil,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openStore(t, dir)
		if got, err := s.Read(places[0]); err == nil {
			t.Errorf("%s: it returns %q", name, got)
		}
		s.Close()
	}
	s := openStore(t, dir)
	for _, place := range []int64{-1, 0, places[1] + 1, s.Next(), s.Next() + 1} {
		if got, err := s.Read(place); err == nil {
			t.Errorf("at %d it returns %q", place, got)
		}
	}
}

// Files with other names, and what is no file, are left alone.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"x.events", "-1.events", "9.events", "-00000000000000009.events", "000000000000000000.events", "000000000000000009", "000000000000000009.journal", "1000000000000000000.events",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("something"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "000000000000000007.events"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	wantPieces(t, s, write(t, s, 1, 10), 10)
	before := len(storeFiles(dir))
	s.DropBelow(s.Next())
	if after := len(storeFiles(dir)); after != before-1 || s.Next() != 1+storeHeader+10 {
		t.Errorf("of %d files %d are left, the next place is %d", before, after, s.Next())
	}
	if _, err := OpenStore(filepath.Join(dir, "missing")); err == nil {
		t.Error("a folder that is not there can be opened")
	}
}

// A disk that fails costs the pieces of that write, and what cannot be brought to the disk is
// told. What was brought there is not brought there again.
func TestStoreOnAFailingDisk(t *testing.T) {
	s := openStore(t, t.TempDir())
	write(t, s, 1, 10)
	if err := s.Sync(); err != nil {
		t.Error(err)
	}
	good := s.files[0].File
	bad, err := os.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	_ = bad.Close()
	s.files[0].File = bad
	if err := s.Sync(); err != nil {
		t.Errorf("with nothing new: %v", err)
	}
	next := s.Next()
	if places, err := s.Write([][]byte{[]byte("lost")}); err == nil || len(places) > 0 || s.Next() != next {
		t.Errorf("a failed write has the places %v, %v, and next comes %d, not %d", places, err, s.Next(), next)
	}
	s.files[0].File = good
	wantPieces(t, s, write(t, s, 2, 10), 10)
	s.files[0].File = bad
	if err := s.Sync(); err == nil {
		t.Error("what was written counts as brought to the disk")
	}
	s.files[0].File = good
}

// A folder that takes no file costs the write, and the next one is tried anew.
func TestWriteIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([][]byte{[]byte("lost")}); err == nil {
		t.Error("a folder that is gone takes a file")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wantPieces(t, s, write(t, s, 2, 10), 10)
}
