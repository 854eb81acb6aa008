"""Typed requests and answers of Alipay's services, one module per subject.

A request checks itself before anything is sent; an answer keeps every field it does not know in `extra`."""
