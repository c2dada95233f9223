/*
 * Which system calls an agent or a worker makes from the moment its config has been read, and which
 * ones nobody in it has any business to make. What stands in neither list is answered as by an older
 * kernel that does not know it: libraries have an answer to that, and so a new one does not cost a
 * worker.
 */
#ifndef NEAP_FLEET_SYSCALLS_H
#define NEAP_FLEET_SYSCALLS_H

#include <stddef.h>

struct syscall_list {
	const int *numbers;
	size_t n;
};

/* Whatever their arguments are; the ones that requests make come first. */
struct syscall_list syscalls_allowed(void);

/* A process that makes one of them is not ours any more. */
struct syscall_list syscalls_forbidden(void);

#endif
