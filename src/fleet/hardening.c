#include "fleet/hardening.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cc.h"
#include "fleet/syscalls.h"

#if defined(__x86_64__)
enum { MACHINE = (int)AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = (int)AUDIT_ARCH_AARCH64 };
#else
enum { MACHINE = 0 };
#endif

enum {
	PROGRAM_MAX = 512,
	X32 = 0x40000000, /* x86: the calls of another ABI, by other numbers */
	NUMBER = offsetof(struct seccomp_data, nr),
	/* Its lower half: both machines are little endian, and what is looked at is an int. */
	FIRST_ARGUMENT = offsetof(struct seccomp_data, args),
};

/* The last instruction of PROGRAM_MAX is never used up by the lists: see hardening_apply. */
struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short n;
};

static void emit(struct program *p, int code, uint32_t k, int if_so, int if_not)
{
	if (p->n < PROGRAM_MAX)
		p->code[p->n++] =
			(struct sock_filter){ (uint16_t)code, (uint8_t)if_so, (uint8_t)if_not, k };
}

static void load(struct program *p, uint32_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void answer(struct program *p, uint32_t with)
{
	emit(p, BPF_RET | BPF_K, with, 0, 0);
}

static void answer_error(struct program *p, int error)
{
	answer(p, SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* What was loaded is the value: that answer. */
static void answer_if(struct program *p, uint32_t value, uint32_t with)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	answer(p, with);
}

static void answer_all(struct program *p, struct syscall_list list, uint32_t with)
{
	for (size_t i = 0; i < list.n; i++)
		answer_if(p, (uint32_t)list.numbers[i], with);
}

/* The call goes by one argument (0: the first): it is one of the values, or that error. */
static void allow_only(struct program *p, int number, uint32_t argument, const uint32_t *values,
		       size_t n, int error)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, (int)(2 + 2 * n));
	load(p, FIRST_ARGUMENT + argument * (uint32_t)sizeof(uint64_t));
	for (size_t i = 0; i < n; i++)
		answer_if(p, values[i], SECCOMP_RET_ALLOW);
	answer_error(p, error);
}

/* The log's thread, but no process. The flags of clone3 cannot be seen: libc then takes clone. */
static void allow_threads(struct program *p)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	load(p, FIRST_ARGUMENT);
	emit(p, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
	answer(p, SECCOMP_RET_ALLOW);
	answer(p, SECCOMP_RET_KILL_PROCESS);
}

static void look_at_arguments(struct program *p)
{
	static const uint32_t requests[] = { FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ };
	static const uint32_t families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };
	static const uint32_t options[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE };
	const uint32_t own[] = { (uint32_t)getpid(), 0 };

	allow_threads(p);
	allow_only(p, SYS_ioctl, 1, requests, countof(requests), EPERM);
	allow_only(p, SYS_socket, 0, families, countof(families), EAFNOSUPPORT);
	allow_only(p, SYS_prctl, 0, options, countof(options), EPERM);
	allow_only(p, SYS_prlimit64, 0, own, countof(own), EPERM);
	/* Signals to itself: abort, the end of the log's thread. 0 would be its group. */
	allow_only(p, SYS_kill, 0, own, 1, EPERM);
	allow_only(p, SYS_tgkill, 0, own, 1, EPERM);
}

static void write_program(struct program *p)
{
	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)MACHINE, 1, 0);
	answer(p, SECCOMP_RET_KILL_PROCESS);
	load(p, NUMBER);
	emit(p, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
	answer(p, SECCOMP_RET_KILL_PROCESS);
	answer_all(p, syscalls_allowed(), SECCOMP_RET_ALLOW);
	answer_all(p, syscalls_forbidden(), SECCOMP_RET_KILL_PROCESS);
	look_at_arguments(p);
	answer_error(p, ENOSYS);
}

static long install(const struct sock_fprog *program)
{
	/* Without SPEC_ALLOW kernels before 5.16 turn speculation off, which costs far more. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, program);
}

bool hardening_exists(void)
{
#if CC_ASAN /* the leak check traces its own process, in one that it makes */
	return false;
#else
	uint32_t kill = SECCOMP_RET_KILL_PROCESS;

	return MACHINE != 0 && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) == 0;
#endif
}

bool hardening_apply(void)
{
	struct program p = { .n = 0 };

	write_program(&p);
	if (p.n == PROGRAM_MAX) {
		errno = E2BIG;
		return false;
	}
	return install(&(struct sock_fprog){ p.n, p.code }) == 0;
}
