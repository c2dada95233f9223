/*
 * A syslog server elsewhere, as log targets name it: "syslog+udp://192.0.2.1:514" or
 * "syslog+tcp://[2001:db8::1]:601". Messages have the form of RFC 5424; a datagram carries one (RFC
 * 5426), a stream counts the octets of each (RFC 6587 §3.4.1).
 *
 * Addresses only: no name server is asked, so opening never waits. A stream that is cut or refused
 * is connected again with back-off, from 1 s to 30 s; meanwhile no message is taken. Used by one
 * thread; processes may share the descriptor, and one that tears a message ends the stream for all,
 * who then connect by themselves.
 */
#ifndef NEAP_BASE_SYSLOG_NET_H
#define NEAP_BASE_SYSLOG_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

enum syslog_net_phase { SYSLOG_NET_DOWN, SYSLOG_NET_TRYING, SYSLOG_NET_UP };

enum { SYSLOG_NET_HEAD_MAX = 384 };

struct syslog_net {
	bool is_stream;
	enum syslog_net_phase phase;
	int fd;	 /* owned; -1: none */
	int why; /* errno of the last failure */
	unsigned backoff_ms;
	int64_t since_ms, next_ms; /* of the phase; of the next try */
	struct sockaddr_storage to;
	socklen_t to_n;
	char host[256]; /* ours, for the head */
};

/* Does TARGET name such a server, well or badly? */
bool syslog_net_is(const char *target);

/* Begins to connect; a server that is away is no error. ERR_INVALID: TARGET cannot be understood. */
enum err syslog_net_open(struct syslog_net *n, const char *target, struct error *e);

/* The same with a descriptor of that target, which is taken over in any case. */
enum err syslog_net_take(struct syslog_net *n, const char *target, int fd, struct error *e);

void syslog_net_close(struct syslog_net *n);

/* Is it connected? Waits for that for at most so long. False: errno says why not. */
bool syslog_net_is_up(struct syslog_net *n, int wait_ms);

/* What goes before the text: facility daemon, SEVERITY, time, host, process, MSGID. Its length. */
size_t syslog_net_head(const struct syslog_net *n, char to[SYSLOG_NET_HEAD_MAX], int severity,
		       const char *msgid);

/* One message. WAIT_MS 0: never waits. False: it is lost; errno says why. */
bool syslog_net_send(struct syslog_net *n, struct str head, struct str text, int wait_ms);

#endif
