#include "crypto/alt_name.h"

/* Takes over the text. */
static GENERAL_NAME *dns_name(ASN1_IA5STRING *text)
{
	GENERAL_NAME *made = text == NULL ? NULL : GENERAL_NAME_new();

	if (made == NULL)
		ASN1_IA5STRING_free(text);
	else
		GENERAL_NAME_set0_value(made, GEN_DNS, text);
	return made;
}

/* Not by OpenSSL's small language, in which a comma in a name would begin another one. */
X509_EXTENSION *alt_name_create(const char *name)
{
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *entry;
	X509_EXTENSION *made = NULL;

	if (text != NULL && ASN1_STRING_set(text, name, -1) != 1) {
		ASN1_IA5STRING_free(text);
		text = NULL;
	}
	entry = dns_name(text);
	if (list != NULL && entry != NULL && sk_GENERAL_NAME_push(list, entry) > 0)
		made = X509V3_EXT_i2d(NID_subject_alt_name, 0, list);
	else
		GENERAL_NAME_free(entry);
	GENERAL_NAMES_free(list);
	return made;
}
