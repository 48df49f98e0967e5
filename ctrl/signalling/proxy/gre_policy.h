/* What the two sides of Proxy Mobile IPv6 want of GRE (RFC 5845). */
#pragma once

/* Whether sessions are tunnelled in GRE (RFC 5845, 2.2: the policy check). */
enum lma_gre {
	LMA_GRE_NEVER = 0, /* who asks for it is told that it is not required */
	LMA_GRE_ASKED,     /* those whose gateway asks for it */
	LMA_GRE_REQUIRED,  /* all; other registrations are refused */
};

/* Whether anchors are asked to tunnel in GRE (RFC 5845, 4.2). */
enum mag_gre {
	MAG_GRE_NEVER = 0,
	MAG_GRE_REQUIRED,      /* with keys, those that say that it is required */
	MAG_GRE_ENCAPSULATION, /* without keys */
	MAG_GRE_KEYS,
};
