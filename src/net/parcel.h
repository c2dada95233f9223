/*
 * Messages between two processes of ours over a socket of SOCK_SEQPACKET: bytes, and descriptors with
 * them.
 */
#ifndef NEAP_NET_PARCEL_H
#define NEAP_NET_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PARCEL_BYTES = 32768, PARCEL_FDS = 200 };

struct parcel {
	size_t n;
	unsigned fds_n;
	int fds[PARCEL_FDS];
	_Alignas(8) char bytes[PARCEL_BYTES];
};

/* Waits so long while the other end does not read. false: it did not go out. */
bool parcel_send(int channel, const struct parcel *p, int patience_ms);

/* 1: there is one, and its descriptors are the caller's; 0: none now; -1: the other end is gone. */
int parcel_receive(int channel, struct parcel *p);

/* Closes the descriptors from `first` on: nobody wanted them. */
void parcel_close(struct parcel *p, unsigned first);

#endif
