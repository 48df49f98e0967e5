#include "ctrl/signalling/association.h"

enum association_result association_name(const struct association *a, const struct mh *mh)
{
	const struct mh_option *auth = auth_find(mh, OPTION_AUTH_MN_HA);

	if (!a->has_key)
		return auth ? ASSOCIATION_SPI : ASSOCIATION_GOOD;
	if (!auth)
		return ASSOCIATION_ABSENT;
	if (auth_check(mh) == AUTH_ORDER)
		return ASSOCIATION_ORDER;
	return auth->auth.spi == a->spi ? ASSOCIATION_GOOD : ASSOCIATION_SPI;
}

enum association_result association_check(
	const struct association *a, struct hmac *hmac, const uint8_t *octets, const struct mh *mh)
{
	enum association_result result = association_name(a, mh);

	if (result != ASSOCIATION_GOOD || !a->has_key)
		return result;
	return auth_verify(hmac, a->key, &a->coa, &a->home, octets, mh) == AUTH_GOOD
		       ? ASSOCIATION_GOOD
		       : ASSOCIATION_FORGED;
}
