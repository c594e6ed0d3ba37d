"""The names and the sign-in form of the admin's site."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from runs.admin.list_columns import EMPTY
from runs.web.sign_in_forms import AdminSignInForm

admin.site.site_header = gettext_lazy("Agentsite admin")
admin.site.site_title = gettext_lazy("Agentsite admin")
admin.site.index_title = gettext_lazy("Agents and history")
admin.site.login_form = AdminSignInForm
admin.site.empty_value_display = EMPTY
