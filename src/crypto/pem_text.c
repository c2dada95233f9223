#include "crypto/pem_text.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pemerr.h>
#include <stdint.h>

BIO *pem_text_open(struct str text)
{
	return text.n > INT32_MAX ? NULL : BIO_new_mem_buf(text.n > 0 ? text.p : "", (int)text.n);
}

bool pem_text_is_at_end(void)
{
	unsigned long code = ERR_peek_last_error();
	return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

int pem_text_no_passphrase(char *to, int size, int writing, void *ctx)
{
	(void)to, (void)size, (void)writing, (void)ctx;
	return -1;
}
