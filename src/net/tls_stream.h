/*
 * The row of streams whose bytes go over a connected socket as TLS 1.2 or 1.3 (RFC 5246, RFC 8446),
 * of either side. The handshake is part of the opening. An idle connection holds no buffer. What
 * the peer ends without close_notify is an error (kind STREAM_FAILURE_TLS), never a clean end.
 *
 * What stream_writev counts has gone to the kernel: while records are left over, the last byte of
 * the write is not counted, so the owner comes again with it.
 */
#ifndef NEAP_NET_TLS_STREAM_H
#define NEAP_NET_TLS_STREAM_H

#include <openssl/types.h>

#include "base/str.h"
#include "crypto/tls_reason.h"
#include "net/stream.h"
#include "net/tls_facts.h"

/* What a TLS stream is opened with. */
struct tls_start {
	struct loop *loop;
	int fd;		  /* connected; the stream's from now on, also when it fails */
	SSL *ssl;	  /* made by net/tls_context, its side set; the stream's from now on */
	struct str first; /* what was read from fd already; it is copied */
};

/*
 * Begins the handshake, the end of which on_open tells from the loop. STREAM_FAILED: no memory, the
 * stream is closed. Handshakes of a server are counted, see net/tls_shake.h.
 */
enum stream_opened tls_stream_open(struct stream *s, const struct tls_start *start,
				   const struct stream_owner *owner);

/*
 * OpenSSL's object of the stream; NULL for one that is not TLS, and for one that does without it since
 * its handshake (net/tls_detach.h). None whose client showed a certificate does.
 */
SSL *tls_stream_ssl(const struct stream *s);

/* The client's fingerprint, as tls_notes_ja4. */
bool tls_stream_ja4(const struct stream *s, char to[JA4_CHARS + 1]);

/* False for a stream that is not TLS. */
bool tls_stream_facts(const struct stream *s, struct tls_facts *facts);

/*
 * Who the client is, for whom a certificate is chosen: borrowed for the handshake. Without it, that is
 * the peer of its socket. Harmless for a stream that is not TLS.
 */
void tls_stream_set_client(struct stream *s, const struct peer *client);
void tls_stream_client(const struct stream *s, struct peer *client);

/* Why it failed last, TLS_REASON_NONE: it did not, or not for a reason of TLS. */
enum tls_reason tls_stream_reason(const struct stream *s);

/*
 * What a client of a failed handshake said that its log line needs, with what stands before it: the name
 * that nobody has, the subject of a certificate that does not verify; "": nothing. At most size bytes.
 */
enum { TLS_CLAIM_BYTES = 400 };
void tls_stream_claim(const struct stream *s, char *to, size_t size);

/* Why it broke after its handshake; reason TLS_REASON_NONE: it did not, or it is not TLS. */
struct tls_trouble tls_stream_broke(const struct stream *s);

/*
 * Its peer may have ended it without close_notify, and nothing was under way: many do, nothing was lost,
 * and tls_stream_broke says nothing of it. Harmless for a stream that is not TLS.
 */
void tls_stream_pardon_cut(struct stream *s);

/*
 * A stream whose opening failed by TLS_REASON_PLAIN becomes one in the clear, for an answer that its
 * peer can read. What was read of it is lost.
 */
void tls_stream_go_plain(struct stream *s, void (*on_ready)(struct stream *s, int events));

#endif
