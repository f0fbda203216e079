"""What tests of several rooms share: the embedded servers, spaces of their own on them."""
