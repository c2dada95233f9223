#include "fleet/syscalls.h"

#include <sys/syscall.h>

#include "base/cc.h"

static const int allowed[] = {
/* Requests. */
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_recvfrom,
	SYS_sendto,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_recvmmsg,
	SYS_sendmmsg,
	SYS_accept4,
	SYS_close,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_splice,
	SYS_tee,
	SYS_vmsplice,
	SYS_sendfile,
	SYS_connect,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_shutdown,
	SYS_pipe2,
	SYS_fcntl,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_socketpair,
	SYS_clock_gettime,
	SYS_gettimeofday,
	SYS_setitimer,
	SYS_getitimer,
	SYS_rt_sigreturn,
	SYS_futex,
	SYS_getrandom,

	/* Memory. */
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_memfd_create,
	SYS_ftruncate,
	SYS_membarrier,

	/* Files: logs, certificates, what `discover` reads, name resolution. */
	SYS_openat,
	SYS_newfstatat,
	SYS_fstat,
	SYS_fstatfs,
	SYS_statx,
	SYS_lseek,
	SYS_pread64,
	SYS_pwrite64,
	SYS_preadv,
	SYS_pwritev,
	SYS_fsync,
	SYS_fdatasync,
	SYS_fallocate,
	SYS_flock,
	SYS_getdents64,
	SYS_readlinkat,
	SYS_faccessat,
	SYS_mkdirat,
	SYS_unlinkat,
	SYS_renameat,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_umask,
	SYS_getcwd,
	SYS_chdir,
	SYS_fchdir,
	SYS_dup,
	SYS_dup3,
	SYS_ppoll,
	SYS_pselect6,
	SYS_epoll_create1,
	SYS_eventfd2,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	SYS_timerfd_gettime,

	/* The process itself. */
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigtimedwait,
	SYS_rt_sigpending,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
	SYS_wait4,
	SYS_getpid,
	SYS_getppid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getgroups,
	SYS_getresuid,
	SYS_getresgid,
	SYS_getrusage,
	SYS_getrlimit,
	SYS_setrlimit,
	SYS_capget,
	SYS_times,
	SYS_sysinfo,
	SYS_uname,
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_get_robust_list,
	SYS_getcpu,
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef SYS_renameat2
	SYS_renameat2,
#endif
#ifdef SYS_close_range
	SYS_close_range,
#endif
#ifdef SYS_epoll_pwait2
	SYS_epoll_pwait2,
#endif
#ifdef __x86_64__ /* what younger machines do not have any more */
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
	SYS_mkdir,
	SYS_rmdir,
	SYS_unlink,
	SYS_rename,
	SYS_chmod,
	SYS_pipe,
	SYS_dup2,
	SYS_poll,
	SYS_select,
	SYS_time,
	SYS_arch_prctl,
#endif
};

static const int forbidden[] = {
	/* Other programs, other processes. */
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef __x86_64__
	SYS_fork,
	SYS_vfork,
	SYS_modify_ldt,
	SYS_ioperm,
	SYS_iopl,
#endif

	/* Other rights, another place. */
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_setgroups,
	SYS_capset,
	SYS_chroot,
	SYS_pivot_root,
	SYS_unshare,
	SYS_setns,
	SYS_mount,
	SYS_umount2,
	SYS_personality,
	SYS_open_by_handle_at,

	/* The kernel's wide surfaces. */
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_setup,
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
#endif
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_syslog,
	SYS_acct,
	SYS_quotactl,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
};

struct syscall_list syscalls_allowed(void)
{
	return (struct syscall_list){ allowed, countof(allowed) };
}

struct syscall_list syscalls_forbidden(void)
{
	return (struct syscall_list){ forbidden, countof(forbidden) };
}
