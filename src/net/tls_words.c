#include "net/tls_words.h"

#include <openssl/ssl.h>
#include <string.h>

#include "crypto/fault.h"

enum { WORD_BYTES = 128 };

typedef bool knows(SSL_CTX *scratch, const char *word);

/* The next word; false: there is none. */
static bool next_word(const char **at, const char *separators, struct str *word)
{
	*at += strspn(*at, separators);
	*word = (struct str){ *at, strcspn(*at, separators) };
	*at += word->n;
	return word->n > 0;
}

static bool is_known(SSL_CTX *scratch, struct str word, knows *ask)
{
	char text[WORD_BYTES];
	bool is_it = word.n == 0 || (str_copy(text, sizeof(text), word) && ask(scratch, text));

	fault_drop();
	return is_it;
}

/* Parts of the names of what is too weak to be in OpenSSL; lists that forbid it are common. */
static bool is_of_the_past(const char *word)
{
	static const char *const parts[] = { "RC4",   "RC2",   "DES",	 "SEED",  "IDEA",
					     "EXP",   "LOW",   "MEDIUM", "SSLv2", "KRB5",
					     "kECDH", "aECDH", "GOST" };

	for (size_t i = 0; i < countof(parts); i++) {
		if (strstr(word, parts[i]) != NULL)
			return true;
	}
	return false;
}

static bool knows_cipher(SSL_CTX *scratch, const char *word)
{
	return SSL_CTX_set_cipher_list(scratch, word) == 1 || is_of_the_past(word);
}

/* "ECDHE+AESGCM" has two of them. */
static struct str bad_part(SSL_CTX *scratch, struct str word)
{
	struct str rest = word, part;

	while (str_split(&rest, '+', &part)) {
		if (!is_known(scratch, part, knows_cipher))
			return part;
	}
	return (struct str){ word.p, 0 };
}

struct str tls_words_bad_cipher(SSL_CTX *scratch, const char *list)
{
	struct str word, bad = { list, 0 };

	while (bad.n == 0 && next_word(&list, ":, ", &word)) {
		if (strchr("!+-", word.p[0]) != NULL)
			word = (struct str){ word.p + 1, word.n - 1 };
		if (word.n > 0 && word.p[0] != '@') /* "@SECLEVEL=2" */
			bad = bad_part(scratch, word);
	}
	return bad;
}

/* One that OpenSSL does not know is skipped: did it come in? */
static bool knows_suite(SSL_CTX *scratch, const char *word)
{
	STACK_OF(SSL_CIPHER) *found = NULL;

	if (SSL_CTX_set_ciphersuites(scratch, word) == 1)
		found = SSL_CTX_get_ciphers(scratch);
	for (int i = 0; i < sk_SSL_CIPHER_num(found); i++) {
		if (strcmp(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(found, i)), word) == 0)
			return true;
	}
	return false;
}

static bool knows_group(SSL_CTX *scratch, const char *word)
{
	return SSL_CTX_set1_groups_list(scratch, word) == 1;
}

static struct str first_bad(SSL_CTX *scratch, const char *list, knows *ask)
{
	struct str word;

	while (next_word(&list, ":", &word)) {
		if (!is_known(scratch, word, ask))
			return word;
	}
	return (struct str){ list, 0 };
}

/* By its name alone: no alias, no operator. */
static bool is_cipher(SSL_CTX *scratch, const char *word)
{
	return strchr(word, '+') == NULL && SSL_CTX_set_cipher_list(scratch, word) == 1;
}

/* Curves of NIST are written in many ways. */
static const char *group_advice(const char *word)
{
	static const char *const names[] = { "P-256", "P-384", "P-521" };
	size_t n = strlen(word);

	for (size_t i = 0; i < countof(names); i++) {
		if ((word[0] == 'P' || word[0] == 'p') && n >= 4 &&
		    strcmp(word + n - 3, names[i] + 2) == 0)
			return names[i];
	}
	return NULL;
}

const char *tls_words_advice(SSL_CTX *scratch, struct str bad, enum tls_words_kind kind)
{
	char text[WORD_BYTES];

	if (!str_copy(text, sizeof(text), bad))
		return NULL;
	if (kind == TLS_WORDS_GROUPS)
		return group_advice(text);
	const char *other = OPENSSL_cipher_name(text); /* of a name as RFCs write it */
	if (kind == TLS_WORDS_CIPHERS && is_known(scratch, bad, knows_suite))
		return "it is of TLS 1.3 and belongs into ciphersuites";
	if (kind == TLS_WORDS_SUITES &&
	    (is_known(scratch, bad, is_cipher) || strcmp(other, "(NONE)") != 0))
		return "it is of TLS 1.2 and belongs into ciphers";
	if (kind == TLS_WORDS_CIPHERS && strcmp(other, "(NONE)") != 0)
		return other;
	return NULL;
}

bool tls_words_fit(const SSL_CTX *openssl, enum certificate_kind kind)
{
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(openssl);
	int wanted = kind == CERTIFICATE_RSA ? NID_auth_rsa : NID_auth_ecdsa;

	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		if (SSL_CIPHER_get_auth_nid(sk_SSL_CIPHER_value(all, i)) == wanted)
			return true;
	}
	return false;
}

struct str tls_words_bad_suite(SSL_CTX *scratch, const char *list)
{
	return first_bad(scratch, list, knows_suite);
}

struct str tls_words_bad_group(SSL_CTX *scratch, const char *list)
{
	return first_bad(scratch, list, knows_group);
}
