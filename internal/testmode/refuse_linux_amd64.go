package testmode

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sharedMmap stands for mmap of a file with MAP_SHARED.
const sharedMmap = "mmap"

// refused are the system calls that can be refused, by what they are called here.
var refused = map[string][]uint32{
	"flock":    {unix.SYS_FLOCK},
	"fsync":    {unix.SYS_FSYNC, unix.SYS_FDATASYNC},
	"rename":   {unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2},
	"fcntl":    {unix.SYS_FCNTL},
	sharedMmap: {unix.SYS_MMAP},
}

// RefuseCalls makes system calls of this process fail from now on, as they do on NFS
// without a lock daemon, SMB, 9p and some FUSE volumes: rules such as "flock=95 mmap=19"
// name the error of each. mmap is that of files that are shared; fcntl fails for locks
// only. There is no way back, so it is for a process that a test has started.
func RefuseCalls(rules string) error {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(op uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	end := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	const firstArg, argSize = 16, 8 // in struct seccomp_data, behind number, architecture and instruction
	var program []unix.SockFilter
	for rule := range strings.FieldsSeq(rules) {
		name, code, _ := strings.Cut(rule, "=")
		errno, err := strconv.ParseUint(code, 10, 12)
		if err != nil || refused[name] == nil {
			return fmt.Errorf("%q is no rule", rule)
		}
		fail := end(unix.SECCOMP_RET_ERRNO | uint32(errno))
		for _, call := range refused[name] {
			program = append(program, load(0))
			switch name {
			case sharedMmap:
				program = append(program, jump(unix.BPF_JEQ, call, 0, 4), load(firstArg+3*argSize),
					jump(unix.BPF_JSET, unix.MAP_ANONYMOUS, 2, 0), jump(unix.BPF_JSET, unix.MAP_SHARED, 0, 1), fail)
			case "fcntl":
				program = append(program, jump(unix.BPF_JEQ, call, 0, 4), load(firstArg+argSize),
					jump(unix.BPF_JEQ, unix.F_SETLK, 1, 0), jump(unix.BPF_JEQ, unix.F_SETLKW, 0, 1), fail)
			default:
				program = append(program, jump(unix.BPF_JEQ, call, 0, 1), fail)
			}
		}
	}
	program = append(program, end(unix.SECCOMP_RET_ALLOW))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return errno
	}
	return nil
}
