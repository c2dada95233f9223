#include "net/tls_verdict.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/identity.h"
#include "net/addr.h"

enum { WORDS_BYTES = 200, NAMES_SHOWN = 3, WHO_BYTES = 300, SUBJECT_SHOWN = 200 };

struct verdict {
	char words[WORDS_BYTES];
	size_t n;
	char who[WHO_BYTES]; /* of a client */
};

static void free_verdict(void *parent, void *verdict, CRYPTO_EX_DATA *all, int index, long l,
			 void *p)
{
	(void)parent, (void)all, (void)index, (void)l, (void)p;
	free(verdict);
}

/* The place in an SSL where its verdict is found; -1: none could be had. */
static int place(void)
{
	static int index = -2;

	if (index == -2)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_verdict);
	return index;
}

/* ---- writing ---- */

/* What a certificate says may be anything: what is not printable ASCII is not shown. */
static void say_bytes(struct verdict *v, const unsigned char *p, int n)
{
	for (int i = 0; i < n && v->n < WORDS_BYTES - 1; i++)
		v->words[v->n++] = (char)(p[i] > ' ' - 1 && p[i] < 0x7f ? p[i] : '?');
	v->words[v->n] = '\0';
}

static void say(struct verdict *v, const char *text)
{
	say_bytes(v, (const unsigned char *)text, (int)strlen(text));
}

static void say_date(struct verdict *v, const char *before, const ASN1_TIME *when)
{
	struct tm tm;
	char text[64];

	if (ASN1_TIME_to_tm(when, &tm) != 1)
		return;
	(void)snprintf(text, sizeof(text), "%s%04d-%02d-%02d", before, tm.tm_year + 1900,
		       tm.tm_mon + 1, tm.tm_mday); /* it fits */
	say(v, text);
}

static void say_common_name(struct verdict *v, const X509_NAME *name)
{
	char text[128];
	int n = X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name, NID_commonName, text,
					  sizeof(text));

	if (n <= 0)
		n = X509_NAME_oneline(name, text, sizeof(text)) != NULL ? (int)strlen(text) : 0;
	say(v, "\"");
	say_bytes(v, (const unsigned char *)text, n);
	say(v, "\"");
}

/* ---- names ---- */

static void say_ip(struct verdict *v, const ASN1_OCTET_STRING *ip)
{
	char text[INET6_ADDRSTRLEN];
	int n = ASN1_STRING_length(ip), family = n == 4 ? AF_INET : AF_INET6;

	if ((n == 4 || n == 16) &&
	    inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof(text)) != NULL)
		say(v, text);
}

/* true: it is a name that a server is known by. */
static bool say_name(struct verdict *v, const GENERAL_NAME *name, unsigned shown)
{
	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return false;
	if (shown >= NAMES_SHOWN)
		return true;
	say(v, shown > 0 ? ", " : "");
	if (name->type == GEN_IPADD)
		say_ip(v, name->d.iPAddress);
	else
		say_bytes(v, ASN1_STRING_get0_data(name->d.dNSName),
			  ASN1_STRING_length(name->d.dNSName));
	return true;
}

static void say_names(struct verdict *v, X509 *one)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(one, NID_subject_alt_name, NULL, NULL);
	unsigned shown = 0;

	say(v, "the certificate is for other names: ");
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		shown += say_name(v, sk_GENERAL_NAME_value(names, i), shown);
	if (shown > NAMES_SHOWN)
		say(v, ", and more");
	if (shown == 0) {
		v->n = 0;
		say(v, "the certificate has no names (subjectAltName)");
	}
	GENERAL_NAMES_free(names);
}

/* ---- the fault ---- */

static void say_which(struct verdict *v, X509 *one, int depth)
{
	say(v, depth == 0 ? "the certificate" : "the certificate of the authority ");
	if (depth > 0)
		say_common_name(v, X509_get_subject_name(one));
}

static void say_unknown(struct verdict *v, X509 *one)
{
	say(v, "unknown CA: ");
	say_common_name(v, X509_get_issuer_name(one));
}

static void say_fault(struct verdict *v, X509 *one, int error, int depth)
{
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		say_names(v, one);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		say_which(v, one, depth);
		say_date(v, " expired on ", X509_get0_notAfter(one));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		say_which(v, one, depth);
		say_date(v, " is not valid before ", X509_get0_notBefore(one));
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		say(v, "self-signed certificate");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		say_unknown(v, one);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		say_which(v, one, depth);
		say(v, depth == 0 ? " is not for servers (extendedKeyUsage)"
				  : " may not issue certificates");
		break;
	default:
		say(v, X509_verify_cert_error_string(error));
	}
}

/* A certificate without a subject has its serial number at least. */
static void say_who(struct verdict *v, X509 *leaf)
{
	struct identity *i = leaf != NULL ? identity_create(leaf) : NULL;

	if (i == NULL)
		return;
	(void)snprintf(v->who, sizeof(v->who), "subject \"%.*s\", serial %.*s",
		       (int)(i->subject.n < SUBJECT_SHOWN ? i->subject.n : SUBJECT_SHOWN),
		       i->subject.p, (int)i->serial.n, i->serial.p); /* cut is fine */
	identity_destroy(i);
}

static void note(SSL *ssl, X509_STORE_CTX *ctx, X509 *one)
{
	struct verdict *v = place() >= 0 ? calloc(1, sizeof(*v)) : NULL;

	if (v == NULL)
		return;
	if (SSL_is_server(ssl) == 1)
		say_who(v, X509_STORE_CTX_get0_cert(ctx));
	else
		say_fault(v, one, X509_STORE_CTX_get_error(ctx),
			  X509_STORE_CTX_get_error_depth(ctx));
	free(SSL_get_ex_data(ssl, place()));
	if (SSL_set_ex_data(ssl, place(), v) != 1)
		free(v);
}

int tls_verdict_note(int is_good, X509_STORE_CTX *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *one = X509_STORE_CTX_get_current_cert(ctx);

	if (is_good != 1 && ssl != NULL && one != NULL)
		note(ssl, ctx, one);
	return is_good;
}

const char *tls_verdict_words(const SSL *ssl)
{
	const struct verdict *v = place() >= 0 ? SSL_get_ex_data(ssl, place()) : NULL;

	return v != NULL && v->n > 0 ? v->words : NULL;
}

const char *tls_verdict_who(const SSL *ssl)
{
	const struct verdict *v = place() >= 0 ? SSL_get_ex_data(ssl, place()) : NULL;

	return v != NULL ? v->who : "";
}
