/*
 * JA4, the fingerprint of a TLS client: FoxIO's specification of it, under its name. It says what
 * a ClientHello offers, whatever the order, so it is the same for all connections of one program.
 */
#ifndef NEAP_NET_JA4_H
#define NEAP_NET_JA4_H

#include "net/client_hello.h"

enum { JA4_CHARS = 36 }; /* t13d1516h2_8daaf6152771_e5627efa2ab1 */

enum { JA4_FIRST_CHARS = 10 };

/*
 * What of a ClientHello the fingerprint is made of: some 100 bytes, to be kept with a connection whose
 * fingerprint may be asked for.
 */
struct ja4_note {
	char first[JA4_FIRST_CHARS]; /* no zero at its end */
	uint16_t ciphers_n, extensions_n, signatures_n;
	uint16_t numbers[]; /* of all three */
};

/*
 * The note of a ClientHello that lies at p, to be freed by free. NULL: no memory, or it has more
 * ciphers or extensions than are noted.
 */
struct ja4_note *ja4_note_create(const struct client_hello *h, const char *p);

/* As ja4_write. */
void ja4_note_write(char to[JA4_CHARS + 1], const struct ja4_note *note);

/*
 * Writes it, with a terminating zero; p is where the ClientHello lies. False (to = ""): it has more
 * ciphers or extensions than are noted.
 */
bool ja4_write(char to[JA4_CHARS + 1], const struct client_hello *h, const char *p);

#endif
