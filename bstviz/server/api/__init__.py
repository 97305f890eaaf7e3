"""The HTTP interface for programs, ``/api/v1``: :data:`bstviz.server.api.endpoints.ENDPOINTS` is what may be asked."""
