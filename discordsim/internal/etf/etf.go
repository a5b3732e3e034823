// Package etf translates between JSON and Erlang's external term format, in which clients
// may speak with the gateway (encoding=etf).
package etf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// The tags of terms.
const (
	version      = 131
	newFloat     = 70
	smallInteger = 97
	integer      = 98
	oldFloat     = 99
	atom         = 100
	smallTuple   = 104
	nilList      = 106
	byteList     = 107
	list         = 108
	binaryText   = 109
	smallBig     = 110
	largeBig     = 111
	smallAtom    = 115
	mapping      = 116
	utf8Atom     = 118
	smallUTF8    = 119
)

// FromJSON encodes one JSON value. Texts and the keys of objects become binaries, null the
// atom nil.
func FromJSON(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	out, err := encode([]byte{version}, d)
	if err != nil {
		return nil, fmt.Errorf("the JSON cannot be encoded as ETF: %w", err)
	}
	return out, nil
}

// encode appends the next value of a decoder; what is read stays in its order.
func encode(out []byte, d *json.Decoder) ([]byte, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case nil:
		return appendAtom(out, "nil"), nil
	case bool:
		return appendAtom(out, strconv.FormatBool(v)), nil
	case string:
		return appendBinary(out, v), nil
	case json.Number:
		return appendNumber(out, v), nil
	case json.Delim:
		return encodeMany(out, d, v)
	}
	return nil, fmt.Errorf("unexpected %v", token)
}

// encodeMany appends a list or an object, whose size is written once it is known.
func encodeMany(out []byte, d *json.Decoder, kind json.Delim) (_ []byte, err error) {
	begin, count := len(out), uint32(0)
	out = append(out, map[json.Delim]byte{'[': list, '{': mapping}[kind], 0, 0, 0, 0)
	for ; d.More(); count++ {
		values := 1
		if kind == '{' {
			values = 2
		}
		for range values {
			if out, err = encode(out, d); err != nil {
				return nil, err
			}
		}
	}
	if _, err = d.Token(); err != nil {
		return nil, err
	}
	if kind == '[' {
		if count == 0 {
			return append(out[:begin], nilList), nil
		}
		out = append(out, nilList)
	}
	binary.BigEndian.PutUint32(out[begin+1:], count)
	return out, nil
}

func appendAtom(out []byte, name string) []byte {
	return append(append(out, smallAtom, byte(len(name))), name...)
}

func appendBinary(out []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(append(out, binaryText), uint32(len(text))), text...)
}

func appendNumber(out []byte, n json.Number) []byte {
	whole, ok := new(big.Int).SetString(n.String(), 10)
	switch {
	case !ok:
		f, _ := n.Float64()
		return binary.BigEndian.AppendUint64(append(out, newFloat), math.Float64bits(f))
	case whole.IsInt64() && whole.Int64() >= 0 && whole.Int64() <= math.MaxUint8:
		return append(out, smallInteger, byte(whole.Int64()))
	case whole.IsInt64() && whole.Int64() >= math.MinInt32 && whole.Int64() <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(out, integer), uint32(int32(whole.Int64())))
	}
	digits := new(big.Int).Abs(whole).Bytes()
	sign := byte(0)
	if whole.Sign() < 0 {
		sign = 1
	}
	out = append(out, smallBig, byte(len(digits)), sign)
	for i := len(digits) - 1; i >= 0; i-- {
		out = append(out, digits[i])
	}
	return out
}

// ToJSON decodes one term. Keys of maps have to be binaries, as Discord wants them.
func ToJSON(raw []byte) ([]byte, error) {
	r := bytes.NewReader(raw)
	first, err := r.ReadByte()
	if err != nil || first != version {
		return nil, errors.New("the message is no ETF: it does not begin with 131")
	}
	var out bytes.Buffer
	if err := decode(&out, r, 0); err != nil {
		return nil, fmt.Errorf("the ETF cannot be decoded: %w", err)
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("%d bytes follow the term", r.Len())
	}
	return out.Bytes(), nil
}

// deepest bounds how deep terms may be nested.
const deepest = 64

// decode writes the next term as JSON.
func decode(out *bytes.Buffer, r *bytes.Reader, depth int) error {
	tag, err := r.ReadByte()
	if err != nil {
		return err
	}
	if depth > deepest {
		return errors.New("the terms are nested too deep")
	}
	switch tag {
	case smallInteger:
		n, err := r.ReadByte()
		out.WriteString(strconv.Itoa(int(n)))
		return err
	case integer:
		n, err := number(r, 4)
		out.WriteString(strconv.Itoa(int(int32(uint32(n)))))
		return err
	case newFloat:
		n, err := number(r, 8)
		return errors.Join(err, writeJSON(out, math.Float64frombits(n)))
	case oldFloat:
		text, err := text(r, 31)
		f, wrong := strconv.ParseFloat(string(bytes.TrimRight([]byte(text), "\x00")), 64)
		return errors.Join(err, wrong, writeJSON(out, f))
	case smallBig, largeBig:
		return decodeBig(out, r, map[byte]int{smallBig: 1, largeBig: 4}[tag])
	case atom, utf8Atom:
		return decodeAtom(out, r, 2)
	case smallAtom, smallUTF8:
		return decodeAtom(out, r, 1)
	case binaryText:
		value, err := sized(r, 4)
		if err == nil && !utf8.ValidString(value) {
			err = errors.New("a binary is not UTF-8")
		}
		return errors.Join(err, writeJSON(out, value))
	case byteList:
		value, err := sized(r, 2)
		numbers := []int{}
		for _, b := range []byte(value) {
			numbers = append(numbers, int(b))
		}
		return errors.Join(err, writeJSON(out, numbers))
	case nilList:
		out.WriteString("[]")
		return nil
	case list, smallTuple:
		return decodeList(out, r, tag, depth)
	case mapping:
		return decodeMap(out, r, depth)
	}
	return fmt.Errorf("there is no term with the tag %d", tag)
}

func decodeList(out *bytes.Buffer, r *bytes.Reader, tag byte, depth int) error {
	count, err := number(r, map[byte]int{list: 4, smallTuple: 1}[tag])
	out.WriteByte('[')
	for i := uint64(0); i < count && err == nil; i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		err = decode(out, r, depth+1)
	}
	out.WriteByte(']')
	if err != nil || tag == smallTuple {
		return err
	}
	if tail, err := r.ReadByte(); err != nil || tail != nilList {
		return errors.New("a list has no end")
	}
	return nil
}

func decodeMap(out *bytes.Buffer, r *bytes.Reader, depth int) error {
	count, err := number(r, 4)
	out.WriteByte('{')
	for i := uint64(0); i < count && err == nil; i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		if tag, _ := r.ReadByte(); tag != binaryText {
			return errors.New("a key is no binary")
		}
		_ = r.UnreadByte()
		if err = decode(out, r, depth+1); err == nil {
			out.WriteByte(':')
			err = decode(out, r, depth+1)
		}
	}
	out.WriteByte('}')
	return err
}

// decodeAtom writes true, false and null as such, and any other atom as a text.
func decodeAtom(out *bytes.Buffer, r *bytes.Reader, size int) error {
	name, err := sized(r, size)
	switch name {
	case "true", "false":
		out.WriteString(name)
	case "nil", "null":
		out.WriteString("null")
	default:
		return errors.Join(err, writeJSON(out, name))
	}
	return err
}

func decodeBig(out *bytes.Buffer, r *bytes.Reader, size int) error {
	count, err := number(r, size)
	if err != nil {
		return err
	}
	sign, err := r.ReadByte()
	if err != nil {
		return err
	}
	digits, err := text(r, count)
	if err != nil {
		return err
	}
	n := new(big.Int)
	for i := len(digits) - 1; i >= 0; i-- {
		n.Or(n.Lsh(n, 8), big.NewInt(int64(digits[i])))
	}
	if sign == 1 {
		n.Neg(n)
	}
	out.WriteString(n.String())
	return nil
}

// number reads an unsigned number of so many bytes.
func number(r *bytes.Reader, size int) (n uint64, err error) {
	for range size {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		n = n<<8 | uint64(b)
	}
	return n, nil
}

// sized reads a text that follows its size.
func sized(r *bytes.Reader, size int) (string, error) {
	n, err := number(r, size)
	if err != nil {
		return "", err
	}
	return text(r, n)
}

// text reads so many bytes, if there are so many.
func text(r *bytes.Reader, n uint64) (string, error) {
	if n > uint64(r.Len()) {
		return "", io.ErrUnexpectedEOF
	}
	raw := make([]byte, n)
	_, err := io.ReadFull(r, raw)
	return string(raw), err
}

func writeJSON(out *bytes.Buffer, value any) error {
	raw, err := json.Marshal(value)
	out.Write(raw)
	return err
}
