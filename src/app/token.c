#include "app/token.h"

#include <errno.h>
#include <stdio.h>

#include "app/check.h"
#include "http/h1_write.h"

enum { PATH_SIZE = 512 };

/* Blanks and line ends around it do not count. */
static enum err read_token(const char *path, char to[FETCH_TOKEN_MAX], struct error *e)
{
	char text[FETCH_TOKEN_MAX + 2];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return err_sys(e, errno, "token file %s", path);
	size_t n = fread(text, 1, sizeof(text), f);
	(void)fclose(f); /* only read from */
	struct str token = str_trim((struct str){ text, n });
	while (token.n > 0 && token.p[token.n - 1] == '\n')
		token = str_trim((struct str){ token.p, token.n - 1 });
	if (token.n == 0 || !h1_is_field_value(token) || !str_copy(to, FETCH_TOKEN_MAX, token))
		return err_set(e, ERR_INVALID, "token file %s: there is no token in it", path);
	return ERR_OK;
}

enum err token_find(const struct look *l, const char *file, char to[FETCH_TOKEN_MAX],
		    struct error *e)
{
	char path[PATH_SIZE];
	enum err err;

	if (file != NULL)
		return read_token(file, to, e);
	if (l->admin != NULL)
		return err_set(e, ERR_INVALID,
			       "this needs the admin side's token: name its file by --token-file "
			       "FILE");
	err = check_learn(l->settings, CHECK_TOKEN, to, FETCH_TOKEN_MAX, e);
	if (err != ERR_OK || to[0] != '\0')
		return err;
	err = check_learn(l->settings, CHECK_TOKEN_FILE, path, sizeof(path), e);
	if (err == ERR_OK && path[0] == '\0')
		return err_set(
			e, ERR_INVALID,
			"%s: its admin side has no token, so nothing can be changed; add one "
			"(admin = { token = … })",
			l->settings->config);
	return err == ERR_OK ? read_token(path, to, e) : err;
}
