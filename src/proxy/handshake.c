#include "proxy/handshake.h"

#include "net/tls_stream.h"
#include "shm/board_service.h"
#include "shm/stats.h"

/* Clients that only look whether somebody is there are no news, nor are those that just end. */
static enum log_level level_of(enum tls_reason reason)
{
	bool is_common = reason == TLS_REASON_LEFT || reason == TLS_REASON_CUT;
	return is_common ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
}

/* Words that share one are told once per second together. */
static struct log_limit *limit_of(struct fronts *all, const char *words)
{
	uint32_t hash = 2166136261U; /* FNV-1a */
	for (const char *p = words; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	return &all->failing[(hash ^ (hash >> 16)) % FRONT_FAILING];
}

/* Some troubles have a name, which comes after the words. */
static const char *claim_of(const struct front *f, enum tls_reason reason, char to[TLS_CLAIM_BYTES])
{
	bool has_one = reason == TLS_REASON_NAME || reason == TLS_REASON_CERTIFICATE;
	to[0] = '\0';
	if (has_one)
		tls_stream_claim(&f->stream, to, TLS_CLAIM_BYTES);
	return to;
}

static void tell(struct front *f, bool was_open, struct tls_trouble trouble)
{
	struct fronts *all = front_all(f);
	enum log_level level = level_of(trouble.reason);
	char ip[INET6_ADDRSTRLEN], claim[TLS_CLAIM_BYTES], left_out[LOG_LEFT_OUT_MAX];
	uint32_t skipped = 0;
	if (!log_enabled(level) ||
	    !log_may(limit_of(all, trouble.words), loop_now_ms(all->plane.loop), &skipped))
		return;
	(void)peer_print_ip(&f->peer, ip); /* "" of a unix socket */
	log_at(level, "service %s: %s with %s %s: %s%s%s", f->service->conf->name,
	       was_open ? "TLS" : "the TLS handshake", ip, was_open ? "broke off" : "failed",
	       trouble.words, was_open ? "" : claim_of(f, trouble.reason, claim),
	       log_left_out(left_out, skipped));
}

static void note_failure(struct front *f, enum tls_reason reason, const char *words)
{
	struct board_service_cell *counts = f->service->counts;
	stat_add(&counts->handshakes[HANDSHAKE_FAILED], 1);
	stat_add(&counts->handshake_failures[reason], 1);
	tell(f, false, (struct tls_trouble){ reason, words });
}

void handshake_note_broken(struct front *f)
{
	struct tls_trouble trouble = tls_stream_broke(&f->stream);
	if (likely(trouble.reason == TLS_REASON_NONE))
		return;
	stat_add(&f->service->counts->tls_errors[trouble.reason], 1);
	tell(f, true, trouble);
}

void handshake_note(struct front *f, bool is_open)
{
	struct tls_facts facts;
	enum tls_reason reason = tls_stream_reason(&f->stream);
	if (!is_open) {
		note_failure(f, reason != TLS_REASON_NONE ? reason : TLS_REASON_MEMORY,
			     stream_failure(&f->stream).words);
	} else if (tls_stream_facts(&f->stream, &facts)) {
		stat_add(&f->service->counts->handshakes[facts.is_resumed ? HANDSHAKE_RESUMED
									  : HANDSHAKE_FULL],
			 1);
	}
}

void handshake_note_late(struct front *f)
{
	note_failure(f, TLS_REASON_TIMEOUT, tls_trouble_of(TLS_REASON_TIMEOUT).words);
}

bool handshake_met_plain_http(const struct front *f)
{
	return tls_stream_reason(&f->stream) == TLS_REASON_PLAIN;
}

bool handshake_was_challenge(const struct front *f)
{
	struct tls_facts facts;

	return unlikely(f->service->acme != NULL) && tls_stream_facts(&f->stream, &facts) &&
	       str_eq(facts.alpn, STR("acme-tls/1"));
}

bool handshake_agreed_on(const struct front *f, struct str protocol)
{
	struct tls_facts facts;
	return tls_stream_facts(&f->stream, &facts) && str_eq(facts.alpn, protocol);
}
