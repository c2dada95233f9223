/*
 * One question in a datagram, and the first answer: is that server there, and how is it? Over a
 * connected socket, so that only the server itself answers, and ICMP says when nobody is there. The
 * caller owns the deadline and calls udp_probe_cancel when it is over.
 */
#ifndef NEAP_NET_UDP_PROBE_H
#define NEAP_NET_UDP_PROBE_H

#include "net/addr.h"
#include "net/loop.h"

enum { UDP_PROBE_ANSWER = 4096, UDP_PROBE_QUESTION = 4096 };

struct udp_probe {
	struct loop *loop;
	ev_io reader;
	ev_timer again; /* it is sent once more each second, since datagrams get lost */
	int fd;		/* -1: none is under way */
	size_t question_n, answer_n;
	char question[UDP_PROBE_QUESTION], answer[UDP_PROBE_ANSWER]; /* the latter cut if longer */
	void *owner;						     /* the caller's */
	void (*on_done)(struct udp_probe *self, int sys); /* 0: there is an answer; may free self */
};

/* Starts. 0: on_done will be called, unless udp_probe_cancel is first; else an errno. */
int udp_probe_start(struct udp_probe *p, struct loop *loop, const struct addr *to,
		    struct str question, void (*on_done)(struct udp_probe *self, int sys));
void udp_probe_cancel(struct udp_probe *p); /* harmless when none is under way */

#endif
