#include "net/public_suffix.h"

#ifdef AK_HAVE_PSL

#include <libpsl.h>
#include <string.h>

enum { LONGEST_NAME = 253 }; /* RFC 1035, 2.3.4, without the root's dot */

int
ak_is_public_suffix(const char *domain)
{
    const psl_ctx_t *list = psl_builtin();
    size_t length = strlen(domain);
    char absolute[LONGEST_NAME + 1];
    if (list == NULL) {
        return 0; /* of a NULL list libpsl says that everything is one */
    }
    /* "co.uk." is the same name, which libpsl does not know. */
    if (length > 0 && length <= LONGEST_NAME + 1 && domain[length - 1] == '.') {
        memcpy(absolute, domain, length - 1);
        absolute[length - 1] = '\0';
        domain = absolute;
    }
    return psl_is_public_suffix(list, domain);
}

#else

int
ak_is_public_suffix(const char *domain)
{
    (void)domain;
    return 0;
}

#endif
