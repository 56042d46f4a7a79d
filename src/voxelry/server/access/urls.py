"""URLs of login, logout and the user's account."""

from django.urls import path

from voxelry.server.access.account import account
from voxelry.server.access.middleware import open_to_all
from voxelry.server.access.views import Login, Logout, login_by_link

urlpatterns = [
    path("login/", open_to_all(Login.as_view()), name="login"),
    path("login/link/<str:secret>/", open_to_all(login_by_link), name="login-link"),
    path("account/", account, name="account"),
    path("logout/", open_to_all(Logout.as_view()), name="logout"),
]
