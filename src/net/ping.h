/*
 * An ICMP echo (RFC 792, RFC 4443 §4): is that host there? Over a ping socket, which needs no
 * rights but a group in net.ipv4.ping_group_range, else over a raw one (CAP_NET_RAW).
 *
 * Only an echo reply from that very address with our number, a sequence that we sent and the
 * sixteen random bytes of this ping counts. All others are ignored, ICMP errors too:
 * anybody can send those. The caller owns the deadline and calls ping_cancel when it is over.
 */
#ifndef NEAP_NET_PING_H
#define NEAP_NET_PING_H

#include "net/addr.h"
#include "net/loop.h"

enum { PING_NONCE = 16, PING_BYTES = 8 + PING_NONCE };

/* What tells a reply from all others. */
struct ping_mark {
	uint16_t id;
	uint16_t sent; /* sequences 1 … sent are ours */
	bool is_v6;
	bool is_raw; /* we choose the id; with IPv4 the IP header comes along */
	uint8_t nonce[PING_NONCE];
};

struct ping {
	struct loop *loop;
	ev_io reader;
	ev_timer again; /* it is sent once more each second, since packets get lost */
	int fd;		/* -1: none is under way */
	struct addr to;
	struct ping_mark mark;
	void *owner;				     /* the caller's */
	void (*on_done)(struct ping *self, int sys); /* 0: it answered; may free self */
};

/* Starts. 0: on_done will be called, unless ping_cancel is first; else an errno. */
int ping_start(struct ping *p, struct loop *loop, const struct addr *to,
	       void (*on_done)(struct ping *self, int sys));
void ping_cancel(struct ping *p); /* harmless when none is under way */

/* May this process ping? The error says what is missing. */
enum err ping_check(struct error *e);

/*
 * Call it before unshare(CLONE_NEWNET): the new namespace has a ping_group_range of its own, and
 * ping_check goes by the present one.
 */
void ping_remember_groups(void);

/* Writes the request with the mark's last sequence. */
void ping_write(uint8_t to[PING_BYTES], const struct ping_mark *m);

/* Are these n bytes a reply to one of the mark's requests? */
bool ping_is_reply(const struct ping_mark *m, const uint8_t *p, size_t n);

#endif
