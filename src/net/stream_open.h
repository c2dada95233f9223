/*
 * Opens streams: over a socket that was accepted, or by dialling. What a kind of stream does before
 * the owner's first byte (a handshake) happens inside. Both calls return at once. If the opening
 * goes on after that, on_open tells its end from the loop. The owner has the deadline (a timer).
 */
#ifndef NEAP_NET_STREAM_OPEN_H
#define NEAP_NET_STREAM_OPEN_H

#include <openssl/types.h>

#include "net/dial.h"
#include "net/stream.h"

struct tls_context;

enum { STREAM_FIRST_MAX = 2048 };

/* How far a dial is. */
enum stream_dial_phase {
	STREAM_DIAL_CONNECTS,
	STREAM_DIAL_SHAKES, /* it is connected, and TLS begins */
};

/*
 * Opens a stream over the accepted socket fd, which is its own from now on, also when it fails. tls:
 * the server's side of TLS, which must outlive the stream; NULL: in the clear.
 */
enum stream_opened stream_accept(struct stream *s, struct loop *loop, int fd,
				 struct tls_context *tls, const struct stream_owner *owner);

/*
 * Makes TLS of an open stream in the clear, as a server. first: what was read of it and is TLS
 * already; it is copied. As stream_accept.
 */
enum stream_opened stream_secure(struct stream *s, struct tls_context *tls, struct str first,
				 const struct stream_owner *owner);

/*
 * What dialling needs and an open stream does not. It is large, so it only has to live until the
 * opening is over. The memory is the owner's; stream_dial fills it.
 */
struct stream_dialling {
	struct dial dial;
	struct stream *stream;
	const struct stream_owner *owner;
	enum stream_dial_phase phase;

	/* With TLS. */
	SSL *ssl; /* until the handshake begins; NULL: in the clear */
	uint16_t first_n;
	char first[STREAM_FIRST_MAX];
};

/* How TLS begins on a connection that was dialled. */
struct stream_tls {
	SSL *ssl; /* made by tls_dial_open; the stream's from now on, also when it fails */
	struct str
		first; /* sent in the clear before that; copied, STREAM_FIRST_MAX bytes at most */
};

/*
 * Connects a stream of stream_init to one of the goal's addresses, which are copied. With tls the
 * opening is over when the handshake is; NULL: in the clear. *d may be freed as soon as the opening
 * is over, also in on_open.
 */
enum stream_opened stream_dial(struct stream *s, struct stream_dialling *d,
			       const struct dial_goal *goal, const struct stream_tls *tls,
			       const struct stream_owner *owner);

/* While STREAM_OPENING, when something that it lacked was freed: tries again. As stream_dial. */
enum stream_opened stream_dial_again(struct stream_dialling *d);

/* While STREAM_OPENING: the errno of what we lack for it (see dial_lack_text), 0: nothing. */
int stream_dial_lacks(const struct stream_dialling *d);

/* The address that the stream is connected to. */
const struct addr *stream_dial_winner(const struct stream_dialling *d);

/* Gives up while STREAM_OPENING; harmless when it is over. The stream must be closed after that. */
void stream_dial_cancel(struct stream_dialling *d);

#endif
