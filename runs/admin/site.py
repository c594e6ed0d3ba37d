"""The names and the sign-in form of the admin's site."""

from django.contrib import admin

from runs.admin.list_columns import EMPTY
from runs.web.sign_in_forms import AdminSignInForm

admin.site.site_header = "Agentsite admin"
admin.site.site_title = "Agentsite admin"
admin.site.index_title = "Agents and history"
admin.site.login_form = AdminSignInForm
admin.site.empty_value_display = EMPTY
