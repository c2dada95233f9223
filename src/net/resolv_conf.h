/*
 * Notices that /etc/resolv.conf has changed, as it does when the network or a VPN comes up. Looks
 * at most once per second, by one system call.
 */
#ifndef NEAP_NET_RESOLV_CONF_H
#define NEAP_NET_RESOLV_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct resolv_conf {
	int64_t looked_ms; /* monotonic */
	/* The file that was there; all zero: none. */
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec written;
};

/* Later looks compare with the file of now. */
void resolv_conf_init(struct resolv_conf *r, int64_t now_ms);

/* Has it changed since this was asked last? */
bool resolv_conf_is_new(struct resolv_conf *r, int64_t now_ms);

#endif
