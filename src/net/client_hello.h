/*
 * Reads a TLS ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) without touching it: which host the
 * client means, which protocols it offers, and what a fingerprint of it is made of (net/ja4.h). It
 * takes the bytes as they come, cut into any number of segments and records. It owns nothing, does
 * no I/O and knows no keys.
 */
#ifndef NEAP_NET_CLIENT_HELLO_H
#define NEAP_NET_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLIENT_HELLO_MAX = 64 * 1024, /* bytes from the connection's first to the message's last */
	CLIENT_HELLO_SNI_MAX = 253,   /* the longest name of a host */
	CLIENT_HELLO_CIPHERS = 512,   /* so many of each are noted */
	CLIENT_HELLO_EXTENSIONS = 256,
	CLIENT_HELLO_SIGNATURES = 128,
};

enum client_hello_result {
	CLIENT_HELLO_MORE,
	CLIENT_HELLO_DONE,
	CLIENT_HELLO_NOT_TLS, /* the connection does not begin with a handshake record of TLS */
	CLIENT_HELLO_BAD,     /* it does, and what follows is no ClientHello, or is too long */
};

/* How far it was read; all zeros at first. */
struct client_hello_progress {
	uint32_t at;	 /* of the next record's header, from the first byte */
	uint32_t come;	 /* bytes of handshake messages in the records before it */
	uint32_t needed; /* length of the message with its header; 0: not known yet */
};

/* Some bytes of the message: records may cut them. */
struct client_hello_part {
	uint32_t at;	 /* of the first one, from the connection's first byte */
	uint32_t record; /* so many bytes of its record are left */
	uint32_t n;
};

/* Numbers in the order in which they came. GREASE values (RFC 8701) are left out. */
struct client_hello {
	const char *reason;		    /* of CLIENT_HELLO_BAD; a constant */
	char sni[CLIENT_HELLO_SNI_MAX + 1]; /* lower case, no dot at the end; "": no host name */
	struct client_hello_part alpn;	    /* its entries: a length of one byte, and a name */
	uint16_t legacy_version;
	uint16_t version;  /* the highest one that is offered */
	bool has_sni;	   /* the extension is there, whatever is in it */
	bool is_excessive; /* it has more numbers than are noted */
	uint32_t ciphers_n, extensions_n, signatures_n;
	uint16_t ciphers[CLIENT_HELLO_CIPHERS];
	uint16_t extensions[CLIENT_HELLO_EXTENSIONS];
	uint16_t signatures[CLIENT_HELLO_SIGNATURES];
};

/*
 * Reads the n bytes that a connection has brought so far. They may lie elsewhere than at the last
 * call, and begin with the same bytes. What was looked at before is looked at again only once, when
 * the message is whole. *to is filled by DONE and BAD (only the reason).
 */
enum client_hello_result client_hello_read(struct client_hello_progress *progress, const char *p,
					   size_t n, struct client_hello *to);

/*
 * Reads one without records around it: the whole message, which begins with its type and length.
 * False: it is none.
 */
bool client_hello_read_message(const char *p, size_t n, struct client_hello *to);

/* Copies a part of the message that lies at p to TO, which has room for part->n bytes. */
void client_hello_copy(const struct client_hello_part *part, const char *p, char *to);

#endif
