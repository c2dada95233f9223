/*
 * The file of a listening unix socket: made, given to somebody, taken away. A process that is root
 * never follows a link there that others may have made (base/trusted.h), and it changes and removes
 * only sockets of its own. An abstract address has no file: then nothing happens.
 */
#ifndef NEAP_NET_UNIX_FILE_H
#define NEAP_NET_UNIX_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "net/addr.h"

/* Which file it is: another process may have put its own in the same place since. */
struct unix_file {
	dev_t dev;
	ino_t ino; /* 0: none */
};

/*
 * Binds fd to the address. A socket file that nobody listens on is replaced. False with errno:
 * EADDRINUSE: somebody listens there; ENOTSOCK: it is no socket; ELOOP: as trusted_folder says.
 * The file's mode is 0666 & ~umask: the mode and the folder decide who may connect.
 */
bool unix_file_bind(int fd, const struct addr *a);

/* Notes which file it is, after binding or in a process that was handed the socket. */
void unix_file_note(struct unix_file *f, const struct addr *a);

/* Gives the file its mode, and its group unless that is (gid_t)-1. False with errno. */
bool unix_file_give(const struct addr *a, gid_t group, mode_t mode);

/* Takes the file away if it is still the one that was noted. */
void unix_file_remove(const struct unix_file *f, const struct addr *a);

#endif
